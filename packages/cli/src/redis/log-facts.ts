import { isPlainObject } from '@trpc-sse/protocol'
import { logKeys } from '@trpc-sse/redis'
import { type EventId, isEventId } from '@trpc-sse/server'
import type { RedisConnection } from './connect.ts'
import { type LogName, parseLogName } from './log-name.ts'

/** What kind of log it is. */
export type LogKind = LogName['kind'] | 'state' | 'run'

/** What Redis holds of a log. */
export interface LogFacts extends Omit<LogName, 'kind'> {
  readonly key: string
  readonly kind: LogKind
  /** The number of events in Redis. */
  readonly events: number
  readonly entries: number
  /** The id of the newest event; the log's origin if there was none. */
  readonly lastEventId: EventId
  /** When the newest event was stored; `undefined` if there was none. */
  readonly lastAt: number | undefined
  /** The id of the oldest event in Redis, if there is one. */
  readonly oldestId: EventId | undefined
  /** When Redis forgets the events, in milliseconds from now; `undefined` if it has none. */
  readonly expiresInMs: number | undefined
}

/** Reads the facts about a log, without changing anything. `undefined` if there is no such log. */
export async function readLogFacts(
  { redis, prefix, db }: RedisConnection,
  key: string,
): Promise<LogFacts | undefined> {
  const keys = logKeys(prefix, db, key)
  const [state, events, oldest, ttlMs, entries, [status, count]] = await Promise.all([
    redis.get(keys.last),
    redis.xlen(keys.log),
    redis.xrange(keys.log, '-', '+', 'COUNT', 1),
    redis.pttl(keys.log),
    redis.hlen(keys.entries),
    Promise.all([redis.hget(keys.entries, 'status'), redis.hget(keys.entries, 'count')]),
  ])
  if (state === null && events === 0 && entries === 0) return undefined
  const [lastEventId = '', number] = (state ?? '').split(' ')
  const hadEvents = number !== '0' && isEventId(lastEventId)
  const name = parseLogName(key)
  return {
    ...name,
    key,
    kind: kindOf(name, { entries, status, count }),
    events,
    entries,
    lastEventId,
    lastAt: hadEvents ? Number.parseInt(lastEventId, 10) : undefined,
    oldestId: oldest[0]?.[0],
    expiresInMs: ttlMs >= 0 ? ttlMs : undefined,
  }
}

interface KnownEntries {
  readonly entries: number
  readonly status: string | null
  readonly count: string | null
}

/** Runs and state channels have keys like channels. Their entries tell them apart. */
function kindOf({ kind }: LogName, { entries, status, count }: KnownEntries): LogKind {
  if (kind !== 'channel' || entries === 0) return kind
  const isRun = runStatusOf(status) !== undefined && (count === null || /^\d+$/.test(count))
  return isRun ? 'run' : 'state'
}

/** Parses the entry `status` of a run. Returns `undefined` for anything else. */
export function runStatusOf(
  text: string | null,
): { readonly status: string; readonly reason: string | undefined } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text ?? '')
  } catch {
    return undefined
  }
  if (!isPlainObject(value) || typeof value.status !== 'string') return undefined
  const { status, reason } = value
  if (!/^(running|completed|failed|stopped|abandoned)$/.test(status)) return undefined
  return { status, reason: typeof reason === 'string' ? reason : undefined }
}
