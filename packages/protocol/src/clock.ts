/** Options of a timer. */
export interface TimerOptions {
  /**
   * Keeps the process alive until the timer fires or is cancelled.
   *
   * @default false
   */
  readonly keepsAlive?: boolean
}

/** Time, timers and randomness, as an option so that a simulator can replace them. */
export interface Clock {
  /**
   * The time of day, in milliseconds since 1970. It can jump in both directions: measure durations
   * with {@link elapsedTime}.
   */
  now(): number
  /**
   * Milliseconds since any fixed moment; never decreases. Without this method, {@link elapsedTime}
   * uses `now` and ignores its steps back.
   */
  monotonicMs?(): number
  /**
   * Calls `callback` once after `delayMs`, capped at 24 days. Returns a function that cancels the
   * timer. Only a timer with `keepsAlive` keeps the process alive.
   */
  after(delayMs: number, callback: () => void, options?: TimerOptions): () => void
  /** Returns a random number of at least 0 and less than 1. */
  random(): number
  /**
   * For simulators: returns whether to take a rare branch here, such as "full buffer", though
   * nothing calls for it. Every answer is correct. Without this method, no branch is forced.
   */
  rare?(branch: RareBranch): boolean
}

/** The branches that {@link Clock.rare} can force. */
export type RareBranch =
  | 'early check'
  | 'early close'
  | 'early handover'
  | 'early hang-up'
  | 'early silence'
  | 'full buffer'
  | 'lone append'
  | 'lost reply'
  | 'new stream'
  | 'page of one'
  | 'read despite hint'
  | 'retry at once'
  | 'short window'

/**
 * The longest delay that runtimes support, in milliseconds: a timer with a longer one fires at
 * once.
 */
const longestTimerMs = 2 ** 31 - 1

/** A timer of the runtime, for `clearTimeout`. */
export type Timer = ReturnType<typeof setTimeout>

/** Starts a timer that fires after `delayMs`, capped at 24 days. */
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
 * Creates a function that returns the elapsed time in milliseconds, which never decreases. For a
 * clock without `monotonicMs` it uses `now`: a step back counts as no time, a step forward (after
 * sleep, for example) counts in full.
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

/** Resolves after `delayMs`, or earlier if the signal aborts. Never rejects. */
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
 * Picks a random delay before an attempt. The upper bound is `baseMs` doubled with every attempt,
 * at most `maxMs` ("full jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function fullJitterMs(clock: Clock, attempt: number, baseMs: number, maxMs: number): number {
  if (clock.rare?.('retry at once')) return 0
  return Math.round(clock.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)))
}

function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer
}
