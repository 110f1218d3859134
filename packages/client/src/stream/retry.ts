import { type Clock, fullJitterMs } from '@trpc-sse/protocol'

/** How long the link waits before it opens another stream. */
export interface RetryPolicy {
  /** The longest wait after the first failure, in milliseconds; doubled with every further one. */
  readonly baseMs: number
  /** The longest wait of all, in milliseconds, a wait that the server asks for not counted. */
  readonly maxMs: number
}

/** What the link does unless told otherwise. */
export const defaultRetryPolicy: RetryPolicy = { baseMs: 250, maxMs: 30_000 }

/** The longest wait, in milliseconds, that a server can ask for: a mistyped header must not silence an app. */
export const longestAskedWaitMs = 300_000

/** Spreads the clients that were all asked at once to open a new stream, in milliseconds. */
const askedToMoveJitterMs = 100

/**
 * What has run for so long, in milliseconds, has worked, whatever ends it: attempts as rare as that harm nobody.
 * No longer, because some platforms cut every response after half a minute.
 */
export const lastingMs = 10_000

/** What the state of a stream, or of a subscription on it, says about the next wait. */
export interface WaitState {
  /** Failures in a row, without progress in between; 0 after a request to move on. */
  readonly failures: number
  /** The shortest wait that the server asked for, in milliseconds. */
  readonly askedWaitMs: number
}

/**
 * Picks the wait before the next attempt, in milliseconds: full jitter on top of what the server asked for, so
 * that clients that were all told "in 10 seconds" don't come back in the same instant.
 */
export function reconnectDelayMs(
  clock: Clock,
  policy: RetryPolicy,
  { failures, askedWaitMs }: WaitState,
): number {
  if (failures === 0) return Math.round(clock.random() * askedToMoveJitterMs)
  return askedWaitMs + fullJitterMs(clock, failures - 1, policy.baseMs, policy.maxMs)
}

/** Tells whether an HTTP status may be gone at the next attempt. */
export function isRetryableStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/**
 * Reads a `Retry-After` header, seconds or an HTTP date, as milliseconds from now; 0 if it says nothing.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfterMs(header: string | null, nowMs: number): number {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const dateMs = Date.parse(text)
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - nowMs)
}

/** Picks the wait that a `Retry-After` header asks for, in milliseconds: a little more, and never none. */
export function askedWaitMs(clock: Clock, header: string): number {
  const ms = parseRetryAfterMs(header, clock.now())
  return (
    Math.min(Math.max(ms, 1_000), longestAskedWaitMs) +
    Math.round(clock.random() * askedToMoveJitterMs)
  )
}
