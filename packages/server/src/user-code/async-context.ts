import type { Clock } from '@trpc-sse/protocol'
import { acrossCopies } from '../shared-state.ts'

/** An async context: what an app's `AsyncLocalStorage` holds at some moment. */
export interface AsyncContext {
  /** Calls `run` in this context, and returns what that returns. */
  runInAsyncScope<TResult>(run: () => TResult): TResult
}

// Node, Bun, Deno and workerd have it. Not imported by its name: bundles for browsers' runtimes would fail.
interface AsyncHooks {
  readonly AsyncResource: new (type: string) => AsyncContext
}

interface Runtime {
  readonly process?: { getBuiltinModule?(id: string): AsyncHooks | undefined }
  readonly AsyncLocalStorage?: { snapshot(): AsyncContext['runInAsyncScope'] }
}

const { process, AsyncLocalStorage: globalStorage } = globalThis as Runtime
const AsyncResource = process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource

/** Where there are no async contexts, there is nothing to restore. */
const noContext: AsyncContext = { runInAsyncScope: (run) => run() }

/** Captures the async context in which it is called. */
export const captureContext: () => AsyncContext = chooseCapture()

function chooseCapture(): () => AsyncContext {
  // A twentieth of the memory and time of a snapshot.
  if (AsyncResource) return () => new AsyncResource('trpc-sse')
  // Edge runtimes have nothing but this.
  const storage = globalStorage
  if (storage?.snapshot) return () => ({ runInAsyncScope: storage.snapshot() })
  return () => noContext
}

/** The context of whoever loaded the first copy of this package: the app's start, and no request. */
const outside = acrossCopies('outside', captureContext)

/**
 * Calls a function in no request's async context: for work that outlives the request which happens to start it, such as
 * a shared connection, or belongs to nobody in particular.
 */
export function detached<TResult>(run: () => TResult): TResult {
  // In a copy: `enterWith` changes the context that it is called in.
  return outside.runInAsyncScope(() => captureContext().runInAsyncScope(run))
}

/** The same clock, whose timers run in no request's async context. */
export function detachedClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    random: () => clock.random(),
    after: (...timer) => detached(() => clock.after(...timer)),
    ...(clock.monotonicMs && { monotonicMs: () => clock.monotonicMs?.() ?? 0 }),
  }
}
