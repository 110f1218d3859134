import { emptyLogMs, newOrigin, notifyListeners, stateText, storeEvent } from './script.ts'

// Fragments for scripts of logs with entries. KEYS[3] to KEYS[5] are the entries, leases and
// expiries.

/**
 * The maximum number of expired entries that one script removes. The next script removes the rest.
 */
const maxExpired = 1_000

/**
 * Saves the state and extends the lifetime of a log's keys, at most until `forget_at`. A log
 * without events and entries is kept only for a short time. Sets the local `kept_ms`.
 */
const keepKeys = `
local kept_ms = tonumber(ARGV[3])
if count == 0 and redis.call('HLEN', KEYS[3]) == 0 then kept_ms = ${emptyLogMs} end
local events_ms = tonumber(ARGV[2])
if forget_at then
  kept_ms = math.max(1, math.min(kept_ms, forget_at - now))
  events_ms = math.min(events_ms, kept_ms)
end
kept_ms, events_ms = string.format('%.0f', kept_ms), string.format('%.0f', events_ms)
local text = ${stateText}
if text == state then
  -- A full Redis refuses to SET, and reads must not need memory.
  redis.call('PEXPIRE', KEYS[2], kept_ms)
else
  redis.call('SET', KEYS[2], text, 'PX', kept_ms)
  state = text
end
if #messages > 0 then redis.call('PEXPIRE', log, events_ms) end
for i = 3, 5 do redis.call('PEXPIRE', KEYS[i], kept_ms) end`

/**
 * Saves the state, extends the lifetime of the keys, and publishes `messages` to the listeners.
 * `channel` and `command` are the Lua of the pub/sub channel and of the publish command. Sets
 * `notify_error`.
 */
export function saveChanges(channel: string, command: string): string {
  return `
do
${keepKeys}
${notifyListeners(channel, command, 'notify_error = notified.err')}
end`
}

/**
 * Removes expired entries and stores their events, or forgets the whole log if that is due. Then
 * saves the changes, if the Lua condition `isSaved` holds. Needs `token` and the locals of
 * `readClock` and `readState`.
 */
export function sweep(channel: string, command: string, isSaved = 'true'): string {
  return `
local messages, notify_error = {}, ''
local forget_at = tonumber(redis.call('ZSCORE', KEYS[4], '') or nil)
if forget_at and forget_at <= now then
  local ms = last and tonumber(string.match(last, '^%d+')) or 0
  redis.call('UNLINK', log, KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  forget_at, last = nil, nil
  do
    local now = math.max(now, ms + 1)
    last = ${newOrigin}
  end
  count, cleared = 0, ''
end
last = last or ${newOrigin}
local due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now), 'LIMIT', 0, ${maxExpired})
for _, key in ipairs(due) do
  local payload = redis.call('HGET', KEYS[5], key)
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[5], key)
  redis.call('ZREM', KEYS[4], key)
  if payload then
    ${storeEvent('payload')}
  end
end
if ${isSaved} then
  ${saveChanges(channel, command)}
  messages = {}
end`
}

/**
 * Sets the local `expires_in` to the time until the next entry expires, in ms; '' if there is none.
 */
export const readNextExpiry = `
local next_lease = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
local expires_in = ''
if next_lease[2] then expires_in = string.format('%.0f', math.max(0, next_lease[2] - now)) end`
