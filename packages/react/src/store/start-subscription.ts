import type { SseGap } from '@trpc-sse/client'
import type { TrackedValue } from './live-values.ts'
import type { ConnectionStateChange, LiveSubscription } from './subscription.ts'

/** The status of a subscription: those of tRPC's own hooks, and `complete` when it has ended. */
export type LiveStatus = ConnectionStateChange<unknown>['state'] | 'complete' | 'error'

/** Callbacks of {@link startSubscription}. */
export interface SubscriptionListener<TError> {
  /** Gets each value. `isLive`: whether it is from a live subscription, if the server says so. */
  onValue(value: TrackedValue<unknown>, isLive: boolean | undefined): void
  onStatus(status: LiveStatus, error: TError | null): void
  onGap(gap: SseGap): void
  /** The position to start after. A link may ask again when it restarts the subscription. */
  lastEventId(): string | undefined
}

/**
 * Subscribes, and calls the listener and the subscription's own handlers. Returns a function that
 * unsubscribes; nothing is called after that.
 */
export function startSubscription<TError>(
  subscription: () => LiveSubscription<unknown, TError>,
  listener: SubscriptionListener<TError>,
): () => void {
  let isStopped = false
  let isLive: boolean | undefined
  const unlessStopped =
    <TArg>(handle: (arg: TArg) => void) =>
    (arg: TArg): void => {
      if (!isStopped) handle(arg)
    }
  const fail = (error: TError): void => {
    listener.onStatus('error', error)
    subscription().onError?.(error)
  }
  const subscribe = (): { unsubscribe(): void } =>
    subscription().subscribe({
      onStarted(started) {
        const live = started?.context?.live
        isLive = typeof live === 'boolean' ? live : undefined
        if (!isStopped) subscription().onStarted?.()
      },
      onData: unlessStopped((value) => {
        listener.onValue(value, isLive)
        subscription().onData?.(value)
      }),
      onError: unlessStopped(fail),
      onConnectionStateChange: unlessStopped((change) => {
        // `idle` while we are subscribed means that the procedure has returned.
        listener.onStatus(change.state === 'idle' ? 'complete' : change.state, change.error)
        subscription().onConnectionStateChange?.(change)
      }),
      context: {
        get lastEventId() {
          return listener.lastEventId() ?? ''
        },
        onGap: unlessStopped(listener.onGap),
      },
    })
  listener.onStatus('connecting', null)
  let running: { unsubscribe(): void } | undefined
  try {
    running = subscribe()
  } catch (error) {
    // An effect that throws would unmount the app.
    fail(error as TError)
  }
  return () => {
    isStopped = true
    running?.unsubscribe()
  }
}
