import type { Backend } from '../backend/backend.ts'

/** The parts that a test runner provides for a case. Create a new context for each case. */
export interface BackendCaseContext {
  /**
   * Opens the backend as another process would: all opened backends share the same logs. For a
   * backend of one process, return the same one each time. The case closes the backends that it
   * opened.
   */
  createBackend(): Promise<Backend>
  /** Returns a key for a log that no case has used. */
  uniqueKey(): string
  /** Deletes all logs and their last ids, as when a store is emptied or restored. */
  loseEverything?(): Promise<void>
  /** Breaks the connection for hints, so that some may be lost. */
  interruptListeners?(): Promise<void>
  /**
   * Makes the logs unreachable, so that calls get no answer. Returns a function that undoes this.
   */
  becomeUnreachable?(): Promise<() => Promise<void>>
}

/** A fault that some cases need, but that not every backend can have. */
export type BackendCaseHook = 'loseEverything' | 'interruptListeners' | 'becomeUnreachable'

/** One conformance case. */
export interface BackendCase {
  /** The number of the MUST of {@link Backend} that the case checks, such as `B3`. */
  readonly id: string
  /** The expected behaviour: a sentence without its subject, which is the backend. */
  readonly name: string
  /** The hooks that the context must have. */
  readonly needs: readonly BackendCaseHook[]
  /** Rejects if the backend behaves differently. */
  run(context: BackendCaseContext): Promise<void>
}

/** Whether a context has the hooks that a case needs. Report other cases as skipped. */
export function isRunnable(backendCase: BackendCase, context: BackendCaseContext): boolean {
  return backendCase.needs.every((hook) => context[hook] !== undefined)
}

/** Runs a case with several backends, each like a process of its own, and closes them. */
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
