import type { SseGap } from '@trpc-sse/client'
import type { Frames } from '../animation-frame.ts'
import type { LiveStatus } from '../store/start-subscription.ts'
import type { DeltaOf, EndItem, FoldOf } from './items.ts'

/** Options of `useRun` for every run. */
export interface RunBaseOptions {
  /** Stops the run: calls the app's mutation. */
  readonly stop?: () => PromiseLike<unknown>
  /**
   * Schedules rendering.
   *
   * @default the browser's next animation frame; a timer if nothing is painted
   */
  readonly frames?: Frames
}

/** Options of `useRun` for a run with a fold. */
export interface RunFoldOptions<TValue, TDelta> extends RunBaseOptions {
  /**
   * Returns the value after a delta: the `apply` of the run's fold. Must not change its arguments.
   * If it throws, the subscription ends.
   */
  readonly apply: (value: TValue, delta: TDelta) => TValue
}

/** The options of `useRun`. They are required if the run has a fold. */
export type UseRunArguments<TItem> = [FoldOf<TItem>] extends [never]
  ? [options?: RunBaseOptions]
  : [options: RunFoldOptions<FoldOf<TItem>, DeltaOf<TItem>>]

/**
 * The status of a run, as its follower knows it:
 *
 * - `running`: from the start of the subscription, even before the run begins
 * - `completed`, `stopped`, `failed` or `abandoned`: how the run has ended
 * - `none`: the run has not begun in the time that `follow` waits
 * - `connecting`: there is no connection
 * - `idle`: the subscription is not enabled
 * - `error`: the subscription has failed, and not the run
 */
export type RunStatus =
  | Extract<LiveStatus, 'idle' | 'connecting' | 'error'>
  | 'running'
  | EndItem['status']

/** The result of `useRun`. */
export interface RunResult<TValue, TError> {
  /**
   * The value so far. `undefined` before the first item of a run with a fold. It is kept at the
   * end.
   */
  readonly value: TValue
  readonly status: RunStatus
  /**
   * Whether the follower has everything that existed when it joined. Later deltas are new: animate
   * them, or scroll to them.
   */
  readonly isCaughtUp: boolean
  /** The reason why the run was stopped, or failed, if known. */
  readonly reason: string | undefined
  /** The reason why the subscription isn't running. While `connecting`, the client retries. */
  readonly error: TError | null
  /** The gap in the list of deltas, if any. Never set for a run with a fold. */
  readonly gap: SseGap | null
  /**
   * Calls the option `stop`, and resolves or rejects as it does. The status changes when the run has
   * stopped. The function stays the same in each render.
   */
  readonly stop: () => Promise<void>
  /** Whether `stop` was called and hasn't failed, and the run is not known to have ended. */
  readonly isStopping: boolean
}
