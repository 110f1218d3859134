import { type Clock, fullJitterMs } from '@trpc-sse/server'

/** Picks a random delay before an attempt: up to 50 ms, doubled with every attempt, at most 2 s. */
export function backoffMs(clock: Clock, attempt: number): number {
  return fullJitterMs(clock, Math.min(attempt, 10), 50, 2_000)
}
