import type { Clock } from '@trpc-sse/protocol'

/** A clock whose time changes only when the test moves it. */
export interface ManualClock extends Clock {
  /** Advances the time, and runs timers that are due, in order. */
  advance(ms: number): void
  /** Sets the time without running timers, as a sleep of the machine or a correction does. */
  jumpTo(ms: number): void
  /** Resolves as soon as a timer is due in exactly `ms`. */
  due(ms: number): Promise<void>
  /** The milliseconds until each timer is due, soonest first. */
  timers(): number[]
}

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

/** Creates a clock at `nowMs`, whose random numbers are always `random`. */
export function manualClock({ nowMs = 1_000_000, random = 0.5 } = {}): ManualClock {
  const timers = new Set<Timer>()
  const waiters = new Set<() => void>()
  let now = nowMs

  const inOrder = (): Timer[] => [...timers].sort((a, b) => a.atMs - b.atMs)
  const isDue = (ms: number): boolean => inOrder().some((timer) => timer.atMs - now === ms)

  return {
    now: () => now,
    random: () => random,
    after(delayMs, callback) {
      const timer = { atMs: now + delayMs, callback }
      timers.add(timer)
      for (const notify of waiters) notify()
      return () => timers.delete(timer)
    },
    advance(ms) {
      const until = now + ms
      for (let [timer] = inOrder(); timer && timer.atMs <= until; [timer] = inOrder()) {
        timers.delete(timer)
        now = Math.max(now, timer.atMs)
        timer.callback()
      }
      now = until
    },
    jumpTo(ms) {
      now = ms
    },
    due: (ms) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!isDue(ms)) return
          waiters.delete(check)
          resolve()
        }
        waiters.add(check)
        check()
      }),
    timers: () => inOrder().map((timer) => timer.atMs - now),
  }
}
