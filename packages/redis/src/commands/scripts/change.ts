import type { ChangeResult, LogChange } from '@trpc-sse/server'
import { areAscending, unexpectedReply } from './checks.ts'
import { readClock, readState, type Script, script, storeEvent, wholeNumber } from './script.ts'
import { saveChanges, sweep } from './sweep.ts'

/**
 * Changes the entries of a log and stores events, in one atomic step, if the conditions hold.
 *
 * KEYS: log, last id, entries, leases, expiries, the answer of this change.
 *
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, pub/sub channel,
 * PUBLISH or SPUBLISH, token, answer kept for ms, maximum number of entries (-1: no limit),
 * forgotten after ms (-1: never).
 *
 * Then four lists, each preceded by its number of items:
 * - conditions: key, '1' if it must exist or '0', value
 * - deleted keys
 * - entries: key, value, ms until it expires or '-1', '1' if it has a payload or '0', payload
 * - payloads of events
 *
 * Replies with the error of the notification ('' if there is none) and the outcome. After a change
 * the ids of the events follow; otherwise the current values of the conditions' entries.
 */
export const changeScript: Script = script(`
local log, token = KEYS[1], ARGV[7]
local answered = redis.call('GET', KEYS[6])
if answered then return { '', 'changed', answered } end
${readClock}
${readState}
-- A full Redis refuses the first write of a script, but none after a PEXPIRE. So keep the keys later.
${sweep('ARGV[5]', 'ARGV[6]', '#due > 0')}

local at = 11
local function items(size)
  local list, n = {}, tonumber(ARGV[at])
  at = at + 1
  for i = 1, n do
    list[i] = at
    at = at + size
  end
  return list
end
local conditions, deleted, updates, payloads = items(3), items(1), items(5), items(1)

local current, holds = { notify_error, 'conflict' }, true
for i, arg in ipairs(conditions) do
  local value = redis.call('HGET', KEYS[3], ARGV[arg])
  current[i + 2] = value
  if (ARGV[arg + 1] == '1') ~= (value ~= false) or (value and value ~= ARGV[arg + 2]) then holds = false end
end
if not holds then return current end

if ARGV[9] ~= '-1' then
  local size, known = redis.call('HLEN', KEYS[3]), {}
  local function exists(key)
    if known[key] == nil then known[key] = redis.call('HEXISTS', KEYS[3], key) == 1 end
    return known[key]
  end
  for _, arg in ipairs(deleted) do
    if exists(ARGV[arg]) then size = size - 1 end
    known[ARGV[arg]] = false
  end
  for _, arg in ipairs(updates) do
    if not exists(ARGV[arg]) then size = size + 1 end
    known[ARGV[arg]] = true
  end
  if size > tonumber(ARGV[9]) then
    current[2] = 'full'
    return current
  end
end

for _, arg in ipairs(deleted) do
  redis.call('HDEL', KEYS[3], ARGV[arg])
  redis.call('HDEL', KEYS[5], ARGV[arg])
  redis.call('ZREM', KEYS[4], ARGV[arg])
end
for _, arg in ipairs(updates) do
  local key = ARGV[arg]
  if ARGV[arg + 2] == '-1' then
    redis.call('ZREM', KEYS[4], key)
  else
    -- First: if Redis refuses a later command, the entry must not stay for ever.
    redis.call('ZADD', KEYS[4], string.format('%.0f', now + ARGV[arg + 2]), key)
  end
  redis.call('HSET', KEYS[3], key, ARGV[arg + 1])
  if ARGV[arg + 3] == '1' then
    redis.call('HSET', KEYS[5], key, ARGV[arg + 4])
  else
    redis.call('HDEL', KEYS[5], key)
  end
end
forget_at = nil
if ARGV[10] == '-1' then
  redis.call('ZREM', KEYS[4], '')
else
  forget_at = now + ARGV[10]
  redis.call('ZADD', KEYS[4], string.format('%.0f', forget_at), '')
end

local ids = {}
for _, arg in ipairs(payloads) do
  ${storeEvent('ARGV[arg]')}
  ids[#ids + 1] = id
end
local answer = table.concat(ids, ' ')
redis.call('SET', KEYS[6], answer, 'PX', ARGV[8])
${saveChanges('ARGV[5]', 'ARGV[6]')}
return { notify_error, 'changed', answer }
`)

/** The reply of {@link changeScript}. */
export interface ChangeReply extends ChangeResult {
  /** The error of the notification; '' if there was none. */
  readonly notifyError: string
}

/** Parses the reply to a change. Throws if the reply is invalid. */
export function parseChangeReply(
  reply: unknown,
  { when = [], payloads = [] }: LogChange,
): ChangeReply {
  if (!Array.isArray(reply)) throw unexpectedReply('a change', reply)
  const [notifyError, outcome, ...rest] = reply as readonly unknown[]
  if (typeof notifyError !== 'string') throw unexpectedReply('a change', reply)
  if (outcome === 'changed') {
    const ids = typeof rest[0] === 'string' && rest[0] !== '' ? rest[0].split(' ') : []
    if (ids.length !== payloads.length || !areAscending(ids))
      throw unexpectedReply('a change', reply)
    return { outcome, ids, current: when.map(({ is }) => is), notifyError }
  }
  if (
    (outcome !== 'conflict' && outcome !== 'full') ||
    !areValues(rest) ||
    rest.length > when.length
  )
    throw unexpectedReply('a change', reply)
  return { outcome, ids: [], current: when.map((_, i) => rest[i] ?? null), notifyError }
}

function areValues(values: readonly unknown[]): values is readonly (string | null)[] {
  return values.every((value) => value === null || typeof value === 'string')
}

/** Returns the arguments of {@link changeScript} for the parts of a change. */
export function changeArguments(change: LogChange): string[] {
  const { when = [], delete: deleted = [], set = [], payloads = [] } = change
  return [
    String(when.length),
    ...when.flatMap(({ key, is }) => [key, is === null ? '0' : '1', is ?? '']),
    String(deleted.length),
    ...deleted,
    String(set.length),
    ...set.flatMap(({ key, value, forMs, onExpiry }) => [
      key,
      value,
      forMs === undefined ? '-1' : wholeNumber(forMs),
      onExpiry === undefined ? '0' : '1',
      onExpiry ?? '',
    ]),
    String(payloads.length),
    ...payloads,
  ]
}
