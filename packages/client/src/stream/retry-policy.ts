import { type Clock, fullJitterMs, RealtimeError } from '@trpc-sse/protocol'

/** A random wait that doubles with every failure in a row. */
export interface RetryPolicy {
  /**
   * The longest wait after the first failure, in milliseconds. It doubles with every further
   * failure.
   */
  readonly baseMs: number
  /** The upper limit of that wait, in milliseconds. A wait that the server requests is added. */
  readonly maxMs: number
}

/**
 * Returns how long to wait before the next attempt, in milliseconds, or `false` to end the
 * subscription with the error. `attempt` is 1 after the first failure in a row. It is called once
 * for every failure, and must not return a promise.
 */
export type RetryDelay = (attempt: number, error: unknown) => number | false

/** When a failure is retried: with this back-off, as decided by a function, or never. */
export type RetryOption = Partial<RetryPolicy> | RetryDelay | false

/** A checked {@link RetryOption} with all defaults. */
export type CheckedRetry = RetryPolicy | RetryDelay | false

/** The back-off of a link without the `retry` option. */
export const defaultRetryPolicy: RetryPolicy = { baseMs: 250, maxMs: 30_000 }

/**
 * The longest wait, in milliseconds, that a server can request: a mistyped header must not silence
 * an app.
 */
export const longestAskedWaitMs = 300_000

const longestSpreadMs = 100

/**
 * Picks a short random wait, in milliseconds, that spreads clients to which the server sent the
 * same wait.
 */
export function spreadMs(clock: Clock): number {
  return Math.round(clock.random() * longestSpreadMs)
}

/** Checks a `retry` option, and fills in its defaults. Throws `INVALID_OPTION`. */
export function checkRetry(option: RetryOption = {}): CheckedRetry {
  if (option === false || typeof option === 'function') return option
  const policy = { ...defaultRetryPolicy, ...option }
  // JavaScript can pass anything.
  if (typeof option === 'object' && option && policy.baseMs > 0 && policy.maxMs > 0) return policy
  throw new RealtimeError(
    'INVALID_OPTION',
    `retry is ${JSON.stringify(option)}: give { baseMs, maxMs } above 0, a function, or false.`,
  )
}

/** Whether two subscriptions are retried in the same way. */
export function isSameRetry(
  one: CheckedRetry | undefined,
  other: CheckedRetry | undefined,
): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return one.baseMs === other.baseMs && one.maxMs === other.maxMs
}

/** Returns the back-off of a policy, or the default one for a function or `false`. */
export function backOffOf(policy: CheckedRetry): RetryPolicy {
  return typeof policy === 'object' ? policy : defaultRetryPolicy
}

/**
 * Returns the wait before an attempt, in milliseconds; `false` for no attempt. A back-off is added
 * to the wait that the server requested. A function's result is raised to that wait, and spread a
 * little: clients that were all sent "in 10 seconds" must not reconnect at the same instant. Throws
 * the function's error, and `INVALID_OPTION` if it doesn't return a time.
 */
export function retryDelayMs(
  clock: Clock,
  policy: CheckedRetry,
  attempt: number,
  error: unknown,
  askedWaitMs: number,
): number | false {
  if (policy === false) return false
  if (typeof policy === 'object')
    return askedWaitMs + fullJitterMs(clock, attempt - 1, policy.baseMs, policy.maxMs)
  const ms: unknown = policy(attempt, error)
  if (ms === false) return false
  if (typeof ms === 'number' && ms >= 0)
    return ms < askedWaitMs ? askedWaitMs + spreadMs(clock) : ms
  // A promise may reject later, with no handler attached.
  Promise.resolve(ms).catch(() => {})
  throw new RealtimeError(
    'INVALID_OPTION',
    `retry returned ${String(ms)}: return milliseconds from 0, or false.`,
  )
}

/**
 * Returns the wait that a `Retry-After` header requests, in milliseconds, with a little added. It
 * is never 0.
 */
export function askedWaitMs(clock: Clock, header: string): number {
  const ms = parseRetryAfterMs(header, clock.now())
  return Math.min(Math.max(ms, 1_000), longestAskedWaitMs) + spreadMs(clock)
}

/** Whether an HTTP status is temporary, so that the next attempt may succeed. */
export function isRetryableStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/**
 * Reads a `Retry-After` header, seconds or an HTTP date, as milliseconds from now; 0 if it is
 * missing or invalid.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfterMs(header: string | null, nowMs: number): number {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const dateMs = Date.parse(text)
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - nowMs)
}
