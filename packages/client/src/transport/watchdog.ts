import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** Notices when something goes quiet for too long. */
export interface Watchdog {
  /** Starts to count from now. `Infinity` never ends. */
  watch(limitMs: number): void
  /** Counts from now again. */
  touch(): void
  /** Looks at the clock now: timers may have stood still. */
  check(): void
  stop(): void
}

/** Timers stand still while the machine sleeps. With short ones, what passed is noticed soon after. */
const longestTimerMs = 5_000

/**
 * Creates a watchdog that calls `onSilence` once when the limit is over. It keeps one timer however often it
 * is touched, and goes by the clock, not by the timer: after a sleep of the machine it fires at once.
 */
export function createWatchdog(clock: Clock, onSilence: (limitMs: number) => void): Watchdog {
  const elapsedMs = elapsedTime(clock)
  let limitMs = Infinity
  let lastMs = 0
  let cancel = (): void => {}

  function check(): void {
    cancel()
    const leftMs = lastMs + limitMs - elapsedMs()
    if (leftMs <= 0) onSilence(limitMs)
    else if (leftMs < Infinity) cancel = clock.after(Math.min(leftMs, longestTimerMs), check)
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
    check,
    stop() {
      cancel()
      limitMs = Infinity
    },
  }
}
