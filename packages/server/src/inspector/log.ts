import { RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesPage } from '../backend/entries.ts'
import type { ChannelsInternals } from '../channels.ts'
import { membersPolicy } from '../factories.ts'
import { parseMember } from '../presence/member.ts'
import { shortestForMs } from '../state/checks.ts'
import { channelOf } from '../user-code/tracer.ts'
import { maxData, maxEvents, short } from './bounds.ts'
import { channelRow, kindOf } from './channels.ts'
import type { Kind, LogAnswer } from './messages.ts'

/** Events that are larger than this together aren't read at once, in bytes. */
const maxBytes = 262_144

/** Reads the newest events and the first entries of a log, as the backend has them. */
export async function readLog(internals: ChannelsInternals, key: string): Promise<LogAnswer> {
  const { backend } = internals
  const kind = kindOf(internals, key)
  const hub = internals.hubs.find(key)
  const log = hub?.log ?? closedLog(internals, key)
  const newest = await backend.read(log, { last: maxEvents, limit: maxEvents, maxBytes })
  const { events: last, forMs } = log.retain
  const oldest = await backend.read(log, { last, limit: 1, maxBytes })
  const page = await readEntries(internals, log, kind)
  return {
    log: key,
    kind,
    open: hub && channelRow(internals, hub),
    lastEventId: newest.lastEventId,
    oldestId: oldest.events[0]?.id,
    retain: { events: last, forMs },
    events: newest.events
      .toReversed()
      .map(({ id, prev, data }) => ({ id, prev, data: short(data, maxData) })),
    entries: (page?.entries ?? [])
      .slice(0, maxEvents)
      .map(([name, value]) => [short(name), short(entryText(kind, name, value), maxData)]),
    hasMoreEntries:
      page !== undefined && (page.next !== undefined || page.entries.length > maxEvents),
  }
}

/**
 * Returns a log that this process doesn't read, with the policy of its definition. Another policy
 * could drop events. Throws `INVALID_OPTION` for a log of no definition.
 */
function closedLog(internals: ChannelsInternals, key: string): ChannelLog {
  const kind = kindOf(internals, key)
  if (kind === 'presence') return { key, ...membersPolicy }
  const definition = kind === 'internal' ? undefined : internals.definitions[channelOf(key)]
  if (definition === undefined) {
    const message = 'This instance has no channel with that log, and doesn’t read it.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
  const { retain } = definition
  if (!('kind' in definition)) return { key, retain }
  return definition.kind === 'run'
    ? { key, retain, entries: { checkMs: definition.leaseMs / 2 } }
    : { key, retain, entries: { checkMs: shortestForMs, setWithEvents: true } }
}

async function readEntries(
  { backend }: ChannelsInternals,
  log: ChannelLog,
  kind: Kind,
): Promise<EntriesPage | undefined> {
  if (kind === 'channel' || kind === 'internal' || !backend.entries) return undefined
  return await backend.entries(log, { limit: maxEvents })
}

/** Returns the text of an entry, without what only the library needs. */
function entryText(kind: Kind, name: string, value: string): string {
  if (kind === 'presence') return parseMember(value).value
  // The token proves that its owner is the producer.
  return kind === 'run' && name === 'lease' ? 'held by a producer' : value
}
