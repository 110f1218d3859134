import type { Backend } from '../backend/backend.ts'

/** What a case is given to try a backend with. The runner makes one for each case. */
export interface BackendCaseContext {
  /**
   * Opens the backend as one more process would: all of them see the same logs. A backend of one process only
   * may give the same one each time. The case closes what it opened.
   */
  createBackend(): Promise<Backend>
  /** A key that no case had before. */
  uniqueKey(): string
  /** Loses every log, its memory of ids included, as an emptied or restored store would. */
  loseEverything?(): Promise<void>
  /** Breaks what hints come over, so that some may be lost. */
  interruptListeners?(): Promise<void>
  /** Makes the logs unreachable, without an error that would tell. Returns what undoes that. */
  becomeUnreachable?(): Promise<() => Promise<void>>
}

/** A harm that some cases do, and not every backend can suffer. */
export type BackendCaseHook = 'loseEverything' | 'interruptListeners' | 'becomeUnreachable'

/** One case of conformance. */
export interface BackendCase {
  /** The number of the MUST on {@link Backend} that this shows, such as `B3`. */
  readonly id: string
  /** What the backend does, as a sentence without its subject. */
  readonly name: string
  /** Without these hooks in the context, the case can't be run. */
  readonly needs: readonly BackendCaseHook[]
  /** Rejects with what is wrong. */
  run(context: BackendCaseContext): Promise<void>
}

/** Tells whether a context has what a case needs. Report the others as skipped. */
export function isRunnable(backendCase: BackendCase, context: BackendCaseContext): boolean {
  return backendCase.needs.every((hook) => context[hook] !== undefined)
}

/** Runs a case with some backends, each the view of another process, and closes them. */
export async function withBackends(
  context: BackendCaseContext,
  count: number,
  run: (backends: readonly Backend[]) => Promise<void>,
): Promise<void> {
  const backends: Backend[] = []
  try {
    for (let i = 0; i < count; i++) backends.push(await context.createBackend())
    await run(backends)
  } finally {
    await Promise.all(backends.map((backend) => backend.close()))
  }
}
