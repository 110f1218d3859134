import { type Clock, fullJitterMs } from '@trpc-sse/server'

/**
 * Picks how long to wait before an attempt: at random, up to 50 ms doubled with each, at most 2 s.
 */
export function backoffMs(clock: Clock, attempt: number): number {
  return fullJitterMs(clock, Math.min(attempt, 10), 50, 2_000)
}
