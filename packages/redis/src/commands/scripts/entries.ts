import { type EntriesPage, isEventId } from '@trpc-sse/server'
import { unexpectedReply } from './checks.ts'
import { readClock, readState, type Script, script } from './script.ts'
import { sweep } from './sweep.ts'

/**
 * Reads a page of a log's entries.
 *
 * KEYS: log, last id, entries, leases, expiries.
 *
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, pub/sub channel,
 * PUBLISH or SPUBLISH, token, cursor ('0' for the first page), approximate number of entries to
 * read.
 *
 * Replies with the last id, the cursor of the next page ('0' if there is none), and then the key
 * and value of each entry.
 */
export const entriesScript: Script = script(`
local log, token = KEYS[1], ARGV[7]
${readClock}
${readState}
${sweep('ARGV[5]', 'ARGV[6]')}
local found = redis.call('HSCAN', KEYS[3], ARGV[8], 'COUNT', ARGV[9])
local answer = { last, found[1] }
for i, text in ipairs(found[2]) do answer[i + 2] = text end
return answer
`)

/** Parses the reply to a read of entries. Throws if the reply is invalid. */
export function parseEntries(reply: unknown): EntriesPage {
  if (!areTexts(reply) || reply.length % 2 !== 0) throw unexpectedReply('a read of entries', reply)
  const [lastEventId = '', next = '0', ...rest] = reply
  if (!isEventId(lastEventId)) throw unexpectedReply('a read of entries', reply)
  const entries = rest.flatMap((key, i) => (i % 2 === 0 ? [[key, rest[i + 1] ?? ''] as const] : []))
  return { entries, lastEventId, ...(next !== '0' && { next }) }
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}
