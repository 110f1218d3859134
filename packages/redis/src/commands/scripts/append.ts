import type { AppendGroup, GroupResult } from '../append-groups.ts'
import { areAscending, unexpectedReply } from './checks.ts'
import {
  minId,
  newOrigin,
  notifyListeners,
  readClock,
  readState,
  type Script,
  script,
  stateText,
  storeEvent,
  trim,
} from './script.ts'

/**
 * Stores groups of payloads in order and notifies listeners, in one atomic step.
 *
 * KEYS: log, last id, idempotency keys.
 *
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, pub/sub channel,
 * PUBLISH or SPUBLISH, doubt ms (-1: never sent before). Then, for each group: the index in KEYS of
 * its idempotency key (0: none), idempotency ms (0: none), token, number of payloads, payloads.
 *
 * Replies with the error of the notification ('' if there is none), then with `<token> <id> <id> …`
 * for each group: the ids, and the token of the call that stored them, which may be an earlier
 * call. nil means that the outcome of an earlier attempt can no longer be determined.
 */
export const appendScript: Script = script(`
local log, doubt = KEYS[1], tonumber(ARGV[7])
local answers, messages, known, at = { '' }, {}, {}, 8
local before
${readClock}
${readState}

-- Read all idempotency keys before the first write: a key of another type fails the script, and
-- what was written by then would stay.
for i = 3, #KEYS do known[KEYS[i]] = redis.call('GET', KEYS[i]) end

while at <= #ARGV do
  local key = ARGV[at] ~= '0' and KEYS[tonumber(ARGV[at])]
  local key_ms, token, first = ARGV[at + 1], ARGV[at + 2], at + 4
  local size = tonumber(ARGV[at + 3])
  at = first + size
  local answer = key and known[key] or nil

  -- Did an earlier attempt whose answer was lost store this? Every entry carries the token of its
  -- group. A missing idempotency key that can't have expired yet proves that no attempt stored it.
  if answer == nil and doubt >= 0 and tonumber(key_ms) <= doubt then
    local ids, from, done = {}, '+', false
    repeat
      local page = redis.call('XREVRANGE', log, from, '-', 'COUNT', 128)
      for _, entry in ipairs(page) do
        if entry[2][6] == token then table.insert(ids, 1, entry[1]) end
        done = done or (#ids > 0 and entry[2][6] ~= token)
      end
      if #page > 0 then
        from = '(' .. page[#page][1]
        -- Stop at entries older than that attempt: the rest of the log may be long.
        done = done or tonumber(string.match(page[#page][1], '^%d+')) < now - doubt
      end
    until done or #page < 128
    if #ids == size then
      answer = token .. ' ' .. table.concat(ids, ' ')
    else
      -- Part of it is missing. If the log reaches back to before that attempt, nothing was stored.
      local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
      local reaches_back = oldest and tonumber(string.match(oldest[1], '^%d+')) < now - doubt
      local trimmed = redis.call('XLEN', log) >= tonumber(ARGV[1]) or doubt >= tonumber(ARGV[2])
      if #ids > 0 or (trimmed and not reaches_back) then answer = false end
    end
  end

  if answer == nil then
    last = last or ${newOrigin}
    before = before or last
    local ids = {}
    for i = first, at - 1 do
${storeEvent('ARGV[i]')}
      ids[#ids + 1] = id
    end
    answer = token .. ' ' .. table.concat(ids, ' ')
    if key then
      redis.call('SET', key, answer, 'PX', key_ms)
      known[key] = answer
    end
  end
  answers[#answers + 1] = answer
end

if before then
  redis.call('SET', KEYS[2], ${stateText}, 'PX', ARGV[3])
  redis.call('PEXPIRE', log, ARGV[2])
  -- Events beyond the age are never read. They are dropped about once a second of the log's events.
  if string.sub(before, 1, 10) ~= string.sub(last, 1, 10) then
    ${trim('MINID', minId)}
  end
end

${notifyListeners('ARGV[5]', 'ARGV[6]', 'answers[1] = notified.err')}
return answers
`)

/** The reply of {@link appendScript}. */
export interface AppendReply {
  /** The error of the notification; '' if there was none. */
  readonly notifyError: string
  readonly groups: readonly GroupResult[]
}

/** Parses the reply to an append of groups with these tokens. Throws if the reply is invalid. */
export function parseAppendReply(
  reply: unknown,
  groups: readonly AppendGroup[],
  tokens: readonly string[],
): AppendReply {
  if (!Array.isArray(reply) || reply.length !== groups.length + 1)
    throw unexpectedReply('an append', reply)
  const [notifyError, ...results] = reply as readonly unknown[]
  if (typeof notifyError !== 'string') throw unexpectedReply('an append', notifyError)
  return {
    notifyError,
    groups: groups.map((group, i) => parseGroup(results[i], group, tokens[i] ?? '')),
  }
}

function parseGroup(reply: unknown, group: AppendGroup, token: string): GroupResult {
  if (reply === null || reply === undefined) return undefined
  if (typeof reply !== 'string') throw unexpectedReply('an append', reply)
  const [storedBy, ...ids] = reply.split(' ')
  const isDuplicate = storedBy !== token
  const count = group.reduce((sum, { payloads }) => sum + payloads.length, 0)
  if (isDuplicate ? ids.length === 0 : ids.length !== count)
    throw unexpectedReply('an append', reply)
  if (!areAscending(ids)) throw unexpectedReply('an append', reply)
  // Only an append with an idempotency key can be a duplicate, and its group holds nothing else.
  if (isDuplicate) return [{ ids, duplicate: true }]
  let start = 0
  return group.map(({ payloads }) => {
    const end = start + payloads.length
    const result = { ids: ids.slice(start, end), duplicate: false }
    start = end
    return result
  })
}
