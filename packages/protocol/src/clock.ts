/** Options of a timer. */
export interface TimerOptions {
  /**
   * Whether the process stays alive for it.
   *
   * @default false
   */
  readonly keepsAlive?: boolean
}

/** Time, timers and randomness, handed in so that a simulator can replace them. */
export interface Clock {
  /**
   * Time of day, in milliseconds since 1970. It may be set back or forward: measure with {@link
   * elapsedTime}.
   */
  now(): number
  /**
   * Milliseconds since any fixed moment, never set back. Without it, `now` is used, and its steps
   * back are ignored.
   */
  monotonicMs?(): number
  /**
   * Calls `callback` once after `delayMs`, or after 24 days if that is longer; returns a function that cancels it. Only a timer with
   * `keepsAlive`, which somebody waits for, keeps the process alive.
   */
  after(delayMs: number, callback: () => void, options?: TimerOptions): () => void
  /** A number from 0 up to, not including, 1. */
  random(): number
}

/** The longest delay of a runtime's timer, in milliseconds: a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** A timer of the runtime, as `clearTimeout` takes it. */
export type Timer = ReturnType<typeof setTimeout>

/** Starts a timer that fires after `delayMs`, or after 24 days if that is longer. */
export function startTimer(delayMs: number, callback: () => void): Timer {
  return setTimeout(callback, Math.min(delayMs, longestTimerMs))
}

/** The runtime's own time, timers and randomness. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback, options) {
    const timer = startTimer(delayMs, callback)
    if (!options?.keepsAlive && isNodeTimer(timer)) timer.unref()
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/**
 * Creates a reader of elapsed time in milliseconds, which never goes back, whatever happens to the
 * time of day. A clock without `monotonicMs` is read by `now`: a step back counts as no time at
 * all, and the sleep of a machine counts in full.
 */
export function elapsedTime(clock: Clock): () => number {
  if (clock.monotonicMs !== undefined) return () => clock.monotonicMs?.() ?? 0
  let elapsedMs = 0
  let lastMs = clock.now()
  return () => {
    const nowMs = clock.now()
    elapsedMs += Math.max(0, nowMs - lastMs)
    lastMs = nowMs
    return elapsedMs
  }
}

/** Waits `delayMs` by a clock, or until the signal aborts; resolves in both cases. */
export function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  })
}

/**
 * Picks the delay before an attempt: a random time up to `baseMs` doubled with every attempt, at
 * most `maxMs` ("full jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function fullJitterMs(clock: Clock, attempt: number, baseMs: number, maxMs: number): number {
  return Math.round(clock.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)))
}

function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer
}
