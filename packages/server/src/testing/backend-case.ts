import type { Backend } from '../backend/backend.ts'

/** What a case runs with. The test runner makes one for each case. */
export interface BackendCaseContext {
  /**
   * Opens the backend as another process would: all opened ones share the same logs. For a backend
   * of one process, return the same one each time. The case closes what it opened.
   */
  createBackend(): Promise<Backend>
  /** Returns a log's key that no case has used. */
  uniqueKey(): string
  /** Deletes every log and its last id, as an emptied or restored store would. */
  loseEverything?(): Promise<void>
  /** Breaks the connection that hints come over, so that some may be lost. */
  interruptListeners?(): Promise<void>
  /** Makes the logs unreachable: calls get no answer. Returns a function that undoes it. */
  becomeUnreachable?(): Promise<() => Promise<void>>
}

/** A fault that some cases need, and that not every backend can have. */
export type BackendCaseHook = 'loseEverything' | 'interruptListeners' | 'becomeUnreachable'

/** One conformance case. */
export interface BackendCase {
  /** The number of the MUST of {@link Backend} that it checks, such as `B3`. */
  readonly id: string
  /** What the backend does: a sentence without its subject. */
  readonly name: string
  /** The hooks that the context must have. */
  readonly needs: readonly BackendCaseHook[]
  /** Rejects if the backend does something else. */
  run(context: BackendCaseContext): Promise<void>
}

/** Whether a context has the hooks that a case needs. Report other cases as skipped. */
export function isRunnable(backendCase: BackendCase, context: BackendCaseContext): boolean {
  return backendCase.needs.every((hook) => context[hook] !== undefined)
}

/** Runs a case with backends that stand for processes, and closes them. */
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
