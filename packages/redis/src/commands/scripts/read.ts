import {
  compareEventIds,
  type EventId,
  isEventId,
  type LogPage,
  type ReadRange,
  type StoredEvent,
  storedBytes,
} from '@trpc-sse/server'
import { areAscending, unexpectedReply } from './checks.ts'
import {
  firstSequences,
  minId,
  newOrigin,
  readClock,
  readState,
  type Script,
  script,
  stateText,
  trim,
} from './script.ts'
import { readNextExpiry, sweep } from './sweep.ts'

const begin = `
local log, newest, limit, room = KEYS[1], tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[9])
${readClock}
${readState}`

const readPage = `
local isNew = not last
last = last or ${newOrigin}
local keep = count == 0 and ARGV[5] or ARGV[3]
if #KEYS > 2 then
  -- The keys of a log with entries are kept already.
elseif isNew then
  redis.call('SET', KEYS[2], ${stateText}, 'PX', keep)
else
  -- While somebody reads it, a log without new events still proves that nothing was missed.
  redis.call('PEXPIRE', KEYS[2], keep)
end

${trim('MAXLEN', 'ARGV[1]')}
${trim('MINID', minId)}

local function number(entry) return tonumber(entry[2][8]) end
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- Returns an id at which entry number \`wanted\` is the next one. \`entry\` comes before it. A stream
-- can only be searched by id, so this halves the time between the two, and then the sequences of the
-- last millisecond: 64 times at most each, even if somebody else has written to the stream.
local function seek(wanted, entry)
  local low, high = parts(entry[1]), parts(last) + 1
  for _ = 1, 64 do
    if high - low <= 1 then break end
    local middle = math.floor((low + high) / 2)
    local found = redis.call('XRANGE', log, string.format('%.0f', middle), '+', 'COUNT', 1)[1]
    if found and (number(found) or wanted) < wanted then
      low, entry = parts(found[1]), found
    else
      high = middle
    end
  end
  local ms, first = parts(entry[1])
  local left = wanted - number(entry)
  -- Without holes, this is the one.
  local middle = first + left
  low, high = first, first + left * ${firstSequences} + 1
  for _ = 1, 64 do
    if high - low <= 1 then break end
    local found = redis.call('XRANGE', log, string.format('%.0f-%.0f', ms, middle), '+', 'COUNT', 1)[1]
    if found and (number(found) or wanted) < wanted then
      local _, seq = parts(found[1])
      low = seq
    else
      high = middle
    end
    middle = math.floor((low + high) / 2)
  end
  return string.format('%.0f-%.0f', ms, high)
end

local answer = { last, cleared, expires_in ~= '' and ' ' .. expires_in or '' }
if limit < 1 or newest == 0 then return answer end

local oldest, wanted = now - ARGV[2], count - ARGV[1] + 1
local from = ${minId}
if newest > 0 then
  wanted = math.max(wanted, count - newest + 1)
elseif parts(ARGV[7]) >= oldest then
  from = '(' .. ARGV[7]
end

local size, left, bytes, n = math.min(8, limit), limit, 0, 3
local entries = redis.call('XRANGE', log, from, '+', 'COUNT', size)
if entries[1] and (number(entries[1]) or wanted) < wanted then
  from = seek(wanted, entries[1])
  entries = redis.call('XRANGE', log, from, '+', 'COUNT', size)
end
local first = count + 1
if entries[1] then first = number(entries[1]) or 1 end
if newest > 0 and first > math.max(1, count - newest + 1) then answer[3] = '1' .. answer[3] end

while true do
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    local ours = fields[1] == 'p' and fields[3] == 'd'
    local data = ours and fields[4] or ''
    bytes = bytes + #data
    if bytes > room and n > 3 then return answer end
    answer[n + 1], answer[n + 2], answer[n + 3] = entry[1], ours and fields[2] or '', data
    n = n + 3
  end
  left = left - #entries
  if #entries < size or left < 1 then return answer end
  -- Ask for about as many entries as there is room for.
  local fitting = math.floor((room - bytes) / (bytes / (limit - left) + 1))
  from, size = '(' .. entries[size][1], math.max(1, math.min(left, 8 * size, fitting))
  entries = redis.call('XRANGE', log, from, '+', 'COUNT', size)
end
`

/**
 * Reads part of a log and the id of its newest event, atomically. Besides the entries that it
 * returns, it reads at most a few dozen to find the first one, however long the log is.
 *
 * KEYS: log, last id.
 *
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, empty log kept for
 * ms, number of newest events to read (-1: the events after an id), that id, maximum number of
 * events, maximum bytes of payload.
 *
 * Replies with the last id, the origin after a `clear` ('' without one), and '1' if the log has
 * fewer of the newest events than requested. Then id, prev and payload of each entry follow, in one
 * flat list.
 */
export const readScript: Script = script(`${begin}
local expires_in = ''
${readPage}`)

/**
 * Like {@link readScript}, for a log with entries. Removes expired entries first.
 *
 * KEYS: log, last id, entries, leases, expiries. ARGV: as above, then pub/sub channel, PUBLISH or
 * SPUBLISH, token.
 *
 * The '1' is followed by a space and the time until the next entry expires, in milliseconds.
 */
export const readWithEntriesScript: Script = script(`${begin}
local token = ARGV[12]
${sweep('ARGV[10]', 'ARGV[11]')}
${readNextExpiry}
${readPage}`)

/**
 * Parses the reply to a read of a range. Large payloads stay bytes. Throws if the reply is invalid.
 */
export function parsePage(reply: unknown, range: ReadRange): LogPage {
  if (!areBytes(reply) || reply.length < 3 || reply.length % 3 !== 0)
    throw unexpectedReply('a read', reply)
  const [lastEventId = '', cleared = '', state = ''] = reply.slice(0, 3).map(String)
  const [trimmed = '', expiresInMs = ''] = state.split(' ')
  if (!isEventId(lastEventId)) throw unexpectedReply('a read', lastEventId)
  if (cleared !== '' && !isEventId(cleared)) throw unexpectedReply('a read', cleared)
  const events: StoredEvent[] = []
  const bytes = reply.reduce((sum, { length }) => sum + length, 0)
  const keep = bytes < minKept ? copy : same
  for (let i = 3; i < reply.length; i += 3)
    events.push(toEvent(String(reply[i]), String(reply[i + 1]), reply[i + 2], keep))
  checkEvents(events, range, lastEventId)
  return {
    events,
    lastEventId,
    ...(trimmed !== '' && { trimmed: true }),
    ...(cleared !== '' && { cleared }),
    ...(expiresInMs !== '' && { expiresInMs: Number(expiresInMs) }),
  }
}

/** Payloads of at least this many bytes stay bytes. */
const minBytes = 1_024

/**
 * The payloads of a reply of at least this many bytes share its memory, which was read from the
 * socket in chunks of 64 kB. The payloads of a smaller reply are copied, so that they don't retain
 * a whole chunk.
 */
const minKept = 65_536

const same = (bytes: Uint8Array): Uint8Array => bytes
const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

/**
 * Creates an event from an entry. An entry that another program wrote to the stream becomes an
 * event with no payload and no `prev`.
 */
function toEvent(
  id: string,
  prev: string,
  data: Buffer | undefined,
  keep: typeof copy,
): StoredEvent {
  if (data === undefined || !isEventId(prev)) return { id, prev: '', data: '' }
  if (data.length < minBytes) return { id, prev, data: data.toString() }
  return storedBytes(id, prev, keep(data))
}

/** Throws if a page makes no progress: a reader would request it again forever. */
function checkEvents(events: readonly StoredEvent[], range: ReadRange, lastEventId: EventId): void {
  const ids = events.map(({ id }) => id)
  const from = 'after' in range ? [range.after] : []
  if (ids.length > Math.max(0, range.limit)) throw unexpectedReply('a read', `${ids.length} events`)
  if (!areAscending(from.concat(ids)))
    throw unexpectedReply('a read', `ids that don't ascend: ${ids.join(' ')}`)
  const newest = events.findLast(({ prev }) => prev !== '')
  if (newest !== undefined && compareEventIds(newest.id, lastEventId) > 0) {
    const claim = `${lastEventId} as the last id of a log that goes on to ${newest.id}`
    throw unexpectedReply('a read', claim)
  }
}

function areBytes(value: unknown): value is readonly Buffer[] {
  return Array.isArray(value) && value.every((item) => Buffer.isBuffer(item))
}
