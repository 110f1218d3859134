import type { LiveSubscription } from '@trpc-sse/react'
import { type LiveSubscriptionOptions, liveSubscription } from './live-subscription.ts'
import { connectionHandlers, createState } from './open-state.ts'
import {
  nextId,
  type OpenSubscription,
  subscriptionClosed,
  subscriptionOpened,
} from './open-subscriptions.ts'

/**
 * Describes the subscription to a run for `useRun`. While it is open, the page lists it.
 */
export function runSubscription<TInput, TItem>(
  options: LiveSubscriptionOptions<TInput, TItem>,
): LiveSubscription<TItem, unknown> {
  const live = liveSubscription(options)
  return {
    ...live,
    subscribe(handlers) {
      const state = createState<TItem>()
      const listed: OpenSubscription = {
        id: nextId(),
        path: options.path,
        get now() {
          return state.now
        },
        // The log of a run can't be read from outside.
        check: async () => ({ events: 0, missing: 0 }),
      }
      subscriptionOpened(listed)
      const noted = connectionHandlers(state)
      const running = live.subscribe({
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
