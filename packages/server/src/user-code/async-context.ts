import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { acrossCopies } from '../shared-state.ts'

/** An async context: the values of the app's `AsyncLocalStorage` instances at one moment. */
export interface AsyncContext {
  /** Calls a function in this context, and returns its result. */
  runInAsyncScope<TResult>(run: () => TResult): TResult
}

// `node:async_hooks`, which Node, Bun, Deno and workerd have. It isn't imported, because bundles
// for edge runtimes would then fail to build.
interface AsyncHooks {
  readonly AsyncResource: new (type: string) => AsyncContext
}

interface Runtime {
  readonly process?: { getBuiltinModule?(id: string): AsyncHooks | undefined }
  readonly AsyncLocalStorage?: { snapshot(): AsyncContext['runInAsyncScope'] }
}

const { process, AsyncLocalStorage: globalStorage } = globalThis as Runtime
const AsyncResource = process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource

/** For runtimes without async contexts. */
const noContext: AsyncContext = { runInAsyncScope: (run) => run() }

/** Captures the current async context. */
export const captureContext: () => AsyncContext = chooseCapture()

function chooseCapture(): () => AsyncContext {
  // An AsyncResource takes a twentieth of the memory and time of a snapshot.
  if (AsyncResource) return () => new AsyncResource('trpc-sse')
  // Edge runtimes have only snapshots.
  const storage = globalStorage
  if (storage?.snapshot) return () => ({ runInAsyncScope: storage.snapshot() })
  return () => noContext
}

/** The context in which the first copy of this package was loaded, at the start of the app. */
const outside = acrossCopies('outside', captureContext)

/**
 * Calls a function outside any request's async context. Use it for work that outlives the request
 * that starts it, such as a shared connection, and for work that belongs to no request.
 */
export function detached<TResult>(run: () => TResult): TResult {
  // In a copy of the context, as user code may change the context with `enterWith`.
  return outside.runInAsyncScope(() => captureContext().runInAsyncScope(run))
}

/**
 * Returns a clock whose timers run outside any request's async context. Its `monotonicMs` is the same
 * for all who use it, even if the given clock has none.
 */
export function detachedClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    random: () => clock.random(),
    after: (...timer) => detached(() => clock.after(...timer)),
    monotonicMs: elapsedTime(clock),
    ...(clock.rare && { rare: clock.rare }),
  }
}
