import { createHash } from 'node:crypto'

/** A Lua script, with the hash under which Redis caches it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** The time for which a log without events is remembered after its last use, in milliseconds. */
export const emptyLogMs = '600000'

/** Creates a script from its Lua text. */
export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

// The fragments below are inlined into the scripts: defining Lua functions would cost Redis time at
// every publish. Each script defines the local `log`, the key of the stream, before it uses them.

/** Sets the local `now` to Redis's clock, in milliseconds. */
export const readClock = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/**
 * A random origin: an id that comes before every event of the log. Ids of a lost log of the same
 * name never match this origin, so readers of that log detect the reset.
 * If only the state was lost, the origin comes after the events that are still there, also when
 * the clock was set back, so that nobody reads them again.
 */
export const newOrigin = `string.format('%.0f-%s', math.max(now, floor_ms), ARGV[4])`

/**
 * The number of sequences with which the first event of a script may begin. Two masters that
 * replaced each other, or that both accept writes for a while, may store events in the same
 * millisecond. With the same id, a reader of one event would take the log of the other for its own,
 * and miss what came before.
 */
export const firstSequences = 1_000_000

/**
 * Reads the state of a log into locals. `last` is the id of the newest event; nil if nothing is
 * known about the log. `count` is that event's number, counted from the log's origin. `cleared` is
 * the origin that a `clear` gave the log, or ''. Each entry also stores its number, so that a
 * search can find an entry in the middle of a log.
 * `salt` is a random number for the sequence of the next event.
 */
export const readState: string = `
  local salt = ARGV[4] % ${firstSequences}
  local state = redis.call('GET', KEYS[2])
  local last, count, cleared
  local floor_ms = 0
  if state then
    last, count, cleared = string.match(state, '^(%d+%-%d+) (%d+) ?([%d-]*)$')
    count = tonumber(count)
    if not last then last = string.match(state, '^%d+%-%d+$') end
    if not last then return redis.error_reply('ERR ' .. KEYS[2] .. ' holds no event id') end
  end
  if not count then
    -- An earlier version wrote the state, or the state was lost and the events are still there.
    local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    count = newest and (tonumber(newest[2][8]) or redis.call('XLEN', log)) or 0
    cleared = ''
    if newest then floor_ms = tonumber(string.match(newest[1], '^%d+')) + 1 end
  end`

/** The state of a log in the stored form, which {@link readState} reads. */
export const stateText = `last .. ' ' .. string.format('%.0f', count) .. (cleared ~= '' and ' ' .. cleared or '')`

/**
 * Deletes entries beyond the retention: first whole blocks, at most 5,000 entries at a time so that
 * Redis isn't blocked, then single entries of the last block.
 */
export function trim(by: 'MAXLEN' | 'MINID', bound: string): string {
  return `
  if redis.call('XTRIM', log, '${by}', '~', ${bound}, 'LIMIT', 5000) < 2500 then
    redis.call('XTRIM', log, '${by}', '=', ${bound})
  end`
}

/** The smallest id within the retention by age. */
export const minId = `string.format('%.0f', math.max(0, now - ARGV[2]))`

/**
 * Stores an event at the end of the log. `data` is the Lua expression of its payload. Sets `last`
 * and the new local `id`, and adds the event's notification to `messages`. Uses the locals `token`,
 * `now` and `salt`.
 */
export function storeEvent(data: string): string {
  // An exact trim costs twice as much as an approximate one, and reading trims exactly.
  const add = (id: string): string =>
    `'XADD', log, 'MAXLEN', '~', ARGV[1], ${id}, 'p', last, 'd', ${data}, 't', token, 'n', number`
  return `
      count = count + 1
      local number = string.format('%.0f', count)
      -- The clock may have been set back: ids never go back.
      local ms, seq = string.match(last, '^(%d+)-(%d+)$')
      ms, seq = tonumber(ms), seq + 1
      if now > ms then ms, seq = now, 0 end
      local id = string.format('%.0f-%.0f', ms, seq + salt)
      salt = 0
      local added = redis.pcall(${add('id')})
      -- If the state of the log was lost, its stream may have later ids.
      if type(added) == 'table' then id = redis.call(${add("'*'")}) end
      messages[#messages + 1] = last .. ' ' .. id .. ' ' .. ${data}
      last = id`
}

/**
 * Publishes `messages` to the listeners. A failed notification doesn't fail the publish, as the
 * events are stored. `onError` is Lua code that handles the error in `notified.err`.
 */
export function notifyListeners(channel: string, command: string, onError: string): string {
  return `
for _, message in ipairs(messages) do
  local notified = redis.pcall(${command}, ${channel}, message)
  if type(notified) == 'table' and notified.err then ${onError} end
end`
}

/**
 * Formats a number for Redis: rounded up, without an exponent, and within the range of its dates.
 */
export function wholeNumber(value: number): string {
  return String(Math.min(Math.ceil(value), 1e15))
}
