import type { LiveHandlers, LiveSubscription } from '@trpc-sse/react'
import { connectionHandlers, createState } from './open-state.ts'
import {
  nextId,
  type OpenSubscription,
  subscriptionClosed,
  subscriptionOpened,
} from './open-subscriptions.ts'

/** What {@link runSubscription} subscribes to. */
export interface RunSubscriptionOptions<TInput, TItem> {
  /** The procedure's path. */
  readonly path: string
  readonly procedure: {
    subscribe(input: TInput, handlers: LiveHandlers<TItem, unknown>): { unsubscribe(): void }
  }
  readonly input: TInput
  readonly enabled?: boolean
}

/**
 * Describes the subscription to a run for `useRun`, as `subscriptionOptions` does in an app with
 * TanStack Query. While it is open, the page lists it.
 */
export function runSubscription<TInput, TItem>({
  path,
  procedure,
  input,
  enabled = true,
}: RunSubscriptionOptions<TInput, TItem>): LiveSubscription<TItem, unknown> {
  return {
    queryKey: [path, input],
    enabled,
    subscribe(handlers) {
      const state = createState<TItem>()
      const listed: OpenSubscription = {
        id: nextId(),
        path,
        get now() {
          return state.now
        },
        // The log of a run can't be read from outside.
        check: async () => ({ events: 0, missing: 0 }),
      }
      subscriptionOpened(listed)
      const noted = connectionHandlers(state)
      const running = procedure.subscribe(input, {
        ...handlers,
        onData(value) {
          state.apply({ type: 'event', event: { ...value, late: false }, keep: 1 })
          handlers.onData(value)
        },
        onConnectionStateChange(change) {
          if (change.state === 'idle') noted.onComplete()
          else noted.onConnectionStateChange(change)
          handlers.onConnectionStateChange(change)
        },
        onError(error) {
          noted.onError(error)
          handlers.onError(error)
        },
      })
      return {
        unsubscribe() {
          running.unsubscribe()
          subscriptionClosed(listed)
        },
      }
    },
  }
}
