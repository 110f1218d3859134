import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Device } from './device.ts'
import { type RetryPolicy, reconnectDelayMs, type WaitState } from './retry.ts'

/** The wait between two streams. */
export interface Rest {
  /** Starts it, anew if there is one. */
  start(state: WaitState): void
  /** Ends it as soon as the server allows. */
  cutShort(): void
  stop(): void
}

/** Creates a wait that calls `onElapsed` once when it is over. */
export function createRest(
  {
    clock,
    device,
    retry,
  }: { readonly clock: Clock; readonly device: Device; readonly retry: RetryPolicy },
  onElapsed: () => void,
): Rest {
  const elapsedMs = elapsedTime(clock)
  let notBeforeMs = 0
  let cancel = (): void => {}

  function wait(delayMs: number, isPutOff = false): void {
    cancel()
    const over = (): void => {
      // Without a network an attempt is for nothing; but devices are wrong about that, too.
      if (device.isOffline() && !isPutOff) wait(Math.max(0, retry.maxMs - delayMs), true)
      else onElapsed()
    }
    // There is a subscription, and no connection that would keep the process alive.
    cancel = clock.after(delayMs, over, { keepsAlive: true })
  }

  return {
    start(state) {
      notBeforeMs = elapsedMs() + state.askedWaitMs
      wait(reconnectDelayMs(clock, retry, state))
    },
    cutShort: () => wait(Math.max(0, notBeforeMs - elapsedMs())),
    stop: () => cancel(),
  }
}
