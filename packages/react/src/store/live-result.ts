import type { SseGap } from '@trpc-sse/client'
import type { InitialData } from './fold.ts'
import type { LiveStatus } from './start-subscription.ts'

/** The result of `useLive`: a live state, and functions that change it. */
export interface LiveResult<TData, TEvent, TError> {
  readonly data: TData
  /**
   * `idle` if not enabled; `connecting`; `pending` while it runs; `complete` when the procedure has
   * returned; `error` when it has failed for good.
   */
  readonly status: LiveStatus
  /** The events that are missing in `data`, until a snapshot or `reset` replaces it. */
  readonly gap: SseGap | null
  /** Why it isn't running. While `connecting`, it is retried. */
  readonly error: TError | null
  /**
   * Shows an event before it arrives. It is replaced by the event with the id that `sent` resolves
   * to: return the result of `publish` from the mutation. If `sent` rejects, the event is removed.
   * The function stays the same as long as the subscription does.
   */
  optimistic(
    event: TEvent,
    sent: PromiseLike<{ readonly id: string }>,
    options?: OptimisticOptions<TEvent>,
  ): void
  /**
   * Starts again without pending events: with this data, or with `initialData` of the last render.
   * The function stays the same as long as the subscription does.
   */
  reset(initialData?: InitialData<Exclude<TData, undefined>>): void
}

/** Options of `optimistic`. */
export interface OptimisticOptions<TEvent> {
  /**
   * Returns whether an event that arrived is the optimistic one. Needed only if the reducer is not
   * idempotent: the event may arrive before the server's answer with its id.
   */
  isSame?(event: TEvent): boolean
}
