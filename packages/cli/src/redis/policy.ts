import type { ChannelLog } from '@trpc-sse/server'
import type { LogFacts } from './log-facts.ts'

const dayMs = 86_400_000
const marginMs = 60_000

/**
 * Returns the log for calls of the backend, which trim a log to its retention and renew its expiry.
 * Only the app knows the retention. This one is never shorter, so that nothing is lost: it covers
 * the oldest event, and at least the expiry that the newest event was stored with.
 */
export function logWithoutLoss(facts: LogFacts, nowMs: number): ChannelLog {
  const { key, kind, oldestId, lastAt, expiresInMs = 0 } = facts
  const ageOf = (atMs: number): number => Math.max(0, nowMs - atMs)
  const oldestMs = oldestId === undefined ? 0 : ageOf(Number.parseInt(oldestId, 10))
  const storedForMs = lastAt === undefined ? 0 : ageOf(lastAt) + expiresInMs
  const forMs = Math.max(dayMs, oldestMs + marginMs, storedForMs + marginMs)
  // The calls below never check for expiry by themselves.
  const entries = kind === 'channel' ? {} : { entries: { checkMs: dayMs } }
  return { key, retain: { events: Number.MAX_SAFE_INTEGER, forMs }, ...entries }
}
