import type { SseGap } from '@trpc-sse/client'
import type { TrackedValue } from './live-values.ts'
import type { ConnectionStateChange, LiveSubscription } from './subscription.ts'

/** Where a subscription stands, as tRPC's own hooks say it; and `complete` when it has come to its end. */
export type LiveStatus = ConnectionStateChange<unknown>['state'] | 'complete' | 'error'

/** Who hears of a run. */
export interface RunListener<TError> {
  /** Hears of a value; `live` says whether it is one of a live subscription, if the server has told. */
  onValue(value: TrackedValue<unknown>, live: boolean | undefined): void
  onStatus(status: LiveStatus, error: TError | null): void
  onGap(gap: SseGap): void
  /** Where to go on: asked at each start, whoever starts it again. */
  lastEventId(): string | undefined
}

/**
 * Subscribes, and tells the subscription's own handlers what it tells the listener. Returns what stops it; nobody is
 * told anything after that.
 */
export function startRun<TError>(
  subscription: () => LiveSubscription<unknown, TError>,
  listener: RunListener<TError>,
): () => void {
  let isOver = false
  let live: boolean | undefined
  const unlessOver =
    <TArg>(handle: (arg: TArg) => void) =>
    (arg: TArg): void => {
      if (!isOver) handle(arg)
    }
  listener.onStatus('connecting', null)
  const running = subscription().subscribe({
    onStarted(started) {
      const told = started?.context?.live
      live = typeof told === 'boolean' ? told : undefined
      if (!isOver) subscription().onStarted?.()
    },
    onData: unlessOver((value) => {
      listener.onValue(value, live)
      subscription().onData?.(value)
    }),
    onError: unlessOver((error) => {
      listener.onStatus('error', error)
      subscription().onError?.(error)
    }),
    onConnectionStateChange: unlessOver((change) => {
      // It has been asked for: where nothing runs any more, it is because it is complete.
      listener.onStatus(change.state === 'idle' ? 'complete' : change.state, change.error)
      subscription().onConnectionStateChange?.(change)
    }),
    context: {
      get lastEventId() {
        return listener.lastEventId() ?? ''
      },
      onGap: unlessOver(listener.onGap),
    },
  })
  return () => {
    isOver = true
    running.unsubscribe()
  }
}
