import { createHash } from 'node:crypto'

/** A Lua script, with the name under which Redis caches it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** Creates a script from its Lua text. */
export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

// The fragments below are pasted into the scripts: a Lua function would cost Redis time at every
// publish. Each script defines the local `log`, the key of the stream, before it uses them.

/** Sets the local `now` to Redis's clock, in milliseconds. */
export const readClock = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/**
 * A random origin: an id that comes before every event of the log. Ids of a lost log of the same
 * name never match it, so readers of that log detect the reset.
 */
export const newOrigin = `string.format('%.0f-%s', now, ARGV[4])`

/**
 * Reads the state of a log into locals. `last` is the id of the newest event, `count` its number
 * counted from the log's origin, and `cleared` the origin that a `clear` gave the log, or ''.
 * `last` is nil if nothing is known about the log. Each entry stores its number too, so that a
 * place in the middle of a log is found without reading up to it.
 */
export const readState = `
  local state = redis.call('GET', KEYS[2])
  local last, count, cleared
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
  end`

/** The state of a log as it is stored: what {@link readState} reads. */
export const stateText = `last .. ' ' .. string.format('%.0f', count) .. (cleared ~= '' and ' ' .. cleared or '')`

/**
 * Drops entries beyond the retention. Whole blocks of entries go first, at most 5,000 at a time so
 * that Redis isn't held up; then single entries of the last block.
 */
export function trim(by: 'MAXLEN' | 'MINID', bound: string): string {
  return `
  if redis.call('XTRIM', log, '${by}', '~', ${bound}, 'LIMIT', 5000) < 2500 then
    redis.call('XTRIM', log, '${by}', '=', ${bound})
  end`
}

/** The smallest id within the retention by age. */
export const minId = `string.format('%.0f', math.max(0, now - ARGV[2]))`
