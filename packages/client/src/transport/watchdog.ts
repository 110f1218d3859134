import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** Notices when a connection is silent for too long. */
export interface Watchdog {
  /** Starts to count the silence from now. `Infinity` never ends. */
  watch(limitMs: number): void
  /** Restarts the count. */
  touch(): void
  /** Checks the clock now, because timers may have been suspended. */
  check(): void
  stop(): void
}

/**
 * Timers are suspended while the machine sleeps. Short ones notice the elapsed time soon
 * afterwards.
 */
const longestTimerMs = 5_000

/**
 * Creates a watchdog that calls `onSilence` once the limit is over. It keeps one timer, however
 * often it is touched. It relies on the clock, not on the timer: after the machine has slept, it
 * fires at once.
 */
export function createWatchdog(clock: Clock, onSilence: (limitMs: number) => void): Watchdog {
  const elapsedMs = elapsedTime(clock)
  let limitMs = Infinity
  let lastMs = 0
  let cancel = (): void => {}

  function check(isEarly = false): void {
    cancel()
    const leftMs = lastMs + limitMs - elapsedMs()
    if (leftMs <= 0 || isEarly) onSilence(limitMs)
    else if (leftMs < Infinity) cancel = clock.after(Math.min(leftMs, longestTimerMs), onTimer)
  }

  function onTimer(): void {
    check(clock.rare?.('early silence'))
  }

  function touch(): void {
    lastMs = elapsedMs()
  }

  return {
    watch(ms) {
      limitMs = ms
      touch()
      check()
    },
    touch,
    check: () => check(),
    stop() {
      cancel()
      limitMs = Infinity
    },
  }
}
