import { interruption } from '../../messages.ts'
import { newOrigin, readClock, readState, type Script, script, stateText } from './script.ts'

/**
 * Deletes the events of a log, and notifies its listeners.
 *
 * KEYS: log, last id; then entries, leases and expiries, if the log has entries.
 *
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, empty log kept for
 * ms, pub/sub channel, PUBLISH or SPUBLISH.
 *
 * Replies with the error of the notification, or '' if there is none.
 */
export const clearScript: Script = script(`
local log = KEYS[1]
${readClock}
${readState}
if last then now = math.max(now, tonumber(string.match(last, '^%d+')) + 1) end
last = ${newOrigin}
count, cleared = 0, last
redis.call('UNLINK', log, unpack(KEYS, 3))
redis.call('SET', KEYS[2], ${stateText}, 'PX', ARGV[5])
local notified = redis.pcall(ARGV[7], ARGV[6], '${interruption}')
return type(notified) == 'table' and notified.err or ''
`)
