import { createHash } from 'node:crypto'

/** A Lua script, with the name under which Redis remembers it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

// What follows is pasted into the scripts, where a Lua function would cost Redis time at every publish.

/** Redis's clock, in milliseconds, as `now`. */
const readClock = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** An id before every event to come, and with ids after it that no earlier log of that name had, even if that was
 * lost in the same millisecond: whoever stands at an id of the earlier log sees that this isn't it. */
const newOrigin = `string.format('%.0f-%s', now, ARGV[4])`

const trimByAge = `redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f', math.max(0, now - ARGV[2])))`

/**
 * Stores groups of payloads one after the other, and tells of them, in one step.
 *
 * KEYS: log, last id, idempotency keys.
 * ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, pub/sub channel, PUBLISH or SPUBLISH,
 * doubt ms (-1: this was never sent before); then for each group: which of KEYS is its idempotency key (0: it has none),
 * idempotency ms (0 without a key), token, number of payloads, payloads.
 *
 * Answers what is wrong with telling (empty if nothing is), then for each group `<token> <id> <id> …`: the token of the call
 * that stored these ids, this one's or an earlier one's; nil if an earlier attempt may have stored them and it can't be known
 * any more.
 */
export const appendScript: Script = script(`
local log, doubt = KEYS[1], tonumber(ARGV[7])
local answers, messages, known, at = { '' }, {}, {}, 8
local before, last

-- All of them before the first write: a key of another type fails the script, and what is written then would stay.
for i = 3, #KEYS do known[KEYS[i]] = redis.call('GET', KEYS[i]) end

while at <= #ARGV do
  local key = ARGV[at] ~= '0' and KEYS[tonumber(ARGV[at])]
  local key_ms, token, first = ARGV[at + 1], ARGV[at + 2], at + 4
  local count = tonumber(ARGV[at + 3])
  at = first + count
  local answer = key and known[key] or nil

  -- Was this stored by an earlier attempt, whose answer was lost? Every entry carries the token of its group. That there
  -- is no idempotency key, where it would still be there, is proof enough that it wasn't.
  if answer == nil and doubt >= 0 and tonumber(key_ms) <= doubt then
    ${readClock}
    local ids, from, done = {}, '+', false
    repeat
      local page = redis.call('XREVRANGE', log, from, '-', 'COUNT', 128)
      for _, entry in ipairs(page) do
        if entry[2][6] == token then table.insert(ids, 1, entry[1]) end
        done = done or (#ids > 0 and entry[2][6] ~= token)
      end
      if #page > 0 then from = '(' .. page[#page][1] end
    until done or #page < 128
    if #ids == count then
      answer = token .. ' ' .. table.concat(ids, ' ')
    else
      -- Not all of it is there. If what is there reaches back to before that attempt, none of it was stored.
      local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
      local reaches_back = oldest and tonumber(string.match(oldest[1], '^%d+')) < now - doubt
      local trimmed = redis.call('XLEN', log) >= tonumber(ARGV[1]) or doubt >= tonumber(ARGV[2])
      if #ids > 0 or (trimmed and not reaches_back) then answer = false end
    end
  end

  if answer == nil then
    if not last then
      last = redis.call('GET', KEYS[2])
      if not last then
        ${readClock}
        last = ${newOrigin}
      end
      before = last
    end
    local ids = {}
    for i = first, at - 1 do
      -- Trimmed about to the number of events kept: exactly so costs twice as much, and reading does it.
      local id = redis.call('XADD', log, 'MAXLEN', '~', ARGV[1], '*', 'p', last, 'd', ARGV[i], 't', token)
      -- Redis numbers by its clock, and never goes back in a stream. But a stream that is new or has expired doesn't
      -- know where the log was: just here, or further if the clock has been set back since. (As texts, ids compare
      -- wrongly only where a sequence gains a digit; hence the second look.)
      if id <= last then
        local ms, seq = string.match(last, '^(%d+)-(%d+)$')
        local new_ms, new_seq = string.match(id, '^(%d+)-(%d+)$')
        if tonumber(new_ms) < tonumber(ms) or (new_ms == ms and tonumber(new_seq) <= tonumber(seq)) then
          redis.call('XDEL', log, id)
          id = string.format('%s-%.0f', ms, seq + 1)
          redis.call('XADD', log, id, 'p', last, 'd', ARGV[i], 't', token)
        end
      end
      messages[#messages + 1] = last .. ' ' .. id .. ' ' .. ARGV[i]
      ids[#ids + 1] = id
      last = id
    end
    answer = token .. ' ' .. table.concat(ids, ' ')
    if key then
      redis.call('SET', key, answer, 'PX', key_ms)
      known[key] = answer
    end
  end
  answers[#answers + 1] = answer
end

if last then
  redis.call('SET', KEYS[2], last, 'PX', ARGV[3])
  redis.call('PEXPIRE', log, ARGV[2])
  -- Events that are too old are never read; about every ten seconds of a log's events they are dropped too.
  if string.sub(before, 1, 9) ~= string.sub(last, 1, 9) then
    ${readClock}
    ${trimByAge}
  end
end

-- What is stored stays stored: that it can't be told is no failure of the publish.
for _, message in ipairs(messages) do
  local told = redis.pcall(ARGV[6], ARGV[5], message)
  if type(told) == 'table' and told.err then answers[1] = told.err end
end
return answers
`)

/**
 * Reads part of a log, and where it ends, at one moment.
 *
 * KEYS: log, last id. ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin,
 * how many of the newest to look at (-1: those after an id), the id, limit.
 *
 * Answers the last id, then id, prev and payload of each entry, in one flat list.
 */
export const readScript: Script = script(`
local log, newest, limit = KEYS[1], tonumber(ARGV[5]), tonumber(ARGV[7])
${readClock}

local last = redis.call('GET', KEYS[2])
if last then
  -- As long as somebody reads, a log that nobody writes to still proves that nothing was missed.
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
else
  last = ${newOrigin}
  redis.call('SET', KEYS[2], last, 'PX', ARGV[3])
end

redis.call('XTRIM', log, 'MAXLEN', '=', ARGV[1])
${trimByAge}

local answer = { last }
local function add(id, fields)
  local ours = fields[1] == 'p' and fields[3] == 'd'
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = id, ours and fields[2] or '', ours and fields[4] or ''
end

if limit < 1 or newest == 0 then return answer end
if newest < 0 then
  for _, entry in ipairs(redis.call('XRANGE', log, '(' .. ARGV[6], '+', 'COUNT', limit)) do
    add(entry[1], entry[2])
  end
else
  local entries = redis.call('XREVRANGE', log, '+', '-', 'COUNT', newest)
  for i = #entries, math.max(1, #entries - limit + 1), -1 do add(entries[i][1], entries[i][2]) end
end
return answer
`)

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
