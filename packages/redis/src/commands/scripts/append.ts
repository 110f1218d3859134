import { createHash } from 'node:crypto'

/** A Lua script, with the name under which Redis remembers it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** The message that tells listeners to read the log. One of an event has spaces. */
export const interruption = 'interrupted'

/** Begins a message that is a notice: no event begins like that. */
export const noticePrefix = 'notice '

// What follows is pasted into the scripts, where a Lua function would cost Redis time at every publish.

/** Redis's clock, in milliseconds, as `now`. */
const readClock = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** An id before every event to come, and with ids after it that no earlier log of that name had, even if that was
 * lost in the same millisecond: whoever stands at an id of the earlier log sees that this isn't it. */
const newOrigin = `string.format('%.0f-%s', now, ARGV[4])`

/**
 * Reads the state of a log: \`last\` is the id of its newest event, \`count\` the number of that event, counted from the
 * log's origin, and \`cleared\` the origin that it got when it was cleared, if it was. \`last\` is nil if nothing is known.
 * Each entry has its number too: that is how a place in the middle of a log is found without reading up to it.
 */
const readState = `
  local state = redis.call('GET', KEYS[2])
  local last, count, cleared
  if state then
    last, count, cleared = string.match(state, '^(%d+%-%d+) (%d+) ?([%d-]*)$')
    count = tonumber(count)
    if not last then last = string.match(state, '^%d+%-%d+$') end
    if not last then return redis.error_reply('ERR ' .. KEYS[2] .. ' holds no event id') end
  end
  if not count then
    -- Written by an earlier version, or lost while the events are still there.
    local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    count = newest and (tonumber(newest[2][8]) or redis.call('XLEN', log)) or 0
    cleared = ''
  end`

const stateText = `last .. ' ' .. string.format('%.0f', count) .. (cleared ~= '' and ' ' .. cleared or '')`

/**
 * Drops entries that are not retained: blocks of them as a whole, so many at a time that Redis is not held up; then
 * single ones of the last block.
 */
const trim = (by: 'MAXLEN' | 'MINID', bound: string): string => `
  if redis.call('XTRIM', log, '${by}', '~', ${bound}, 'LIMIT', 5000) < 2500 then
    redis.call('XTRIM', log, '${by}', '=', ${bound})
  end`

const minId = `string.format('%.0f', math.max(0, now - ARGV[2]))`

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
local before
${readState}

-- All of them before the first write: a key of another type fails the script, and what is written then would stay.
for i = 3, #KEYS do known[KEYS[i]] = redis.call('GET', KEYS[i]) end

while at <= #ARGV do
  local key = ARGV[at] ~= '0' and KEYS[tonumber(ARGV[at])]
  local key_ms, token, first = ARGV[at + 1], ARGV[at + 2], at + 4
  local size = tonumber(ARGV[at + 3])
  at = first + size
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
      if #page > 0 then
        from = '(' .. page[#page][1]
        -- What is older than that attempt isn't looked at: the rest of the log may be long.
        done = done or tonumber(string.match(page[#page][1], '^%d+')) < now - doubt
      end
    until done or #page < 128
    if #ids == size then
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
      ${readClock}
      last = ${newOrigin}
    end
    before = before or last
    local ids = {}
    for i = first, at - 1 do
      -- Trimmed about to the number of events kept: exactly so costs twice as much, and reading does it.
      count = count + 1
      local number = string.format('%.0f', count)
      local id =
        redis.call('XADD', log, 'MAXLEN', '~', ARGV[1], '*', 'p', last, 'd', ARGV[i], 't', token, 'n', number)
      -- Redis numbers by its clock, and never goes back in a stream. But a stream that is new or has expired doesn't
      -- know where the log was: just here, or further if the clock has been set back since. (As texts, ids compare
      -- wrongly only where a sequence gains a digit; hence the second look.)
      if id <= last then
        local ms, seq = string.match(last, '^(%d+)-(%d+)$')
        local new_ms, new_seq = string.match(id, '^(%d+)-(%d+)$')
        if tonumber(new_ms) < tonumber(ms) or (new_ms == ms and tonumber(new_seq) <= tonumber(seq)) then
          redis.call('XDEL', log, id)
          id = string.format('%s-%.0f', ms, seq + 1)
          redis.call('XADD', log, id, 'p', last, 'd', ARGV[i], 't', token, 'n', number)
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

if before then
  redis.call('SET', KEYS[2], ${stateText}, 'PX', ARGV[3])
  redis.call('PEXPIRE', log, ARGV[2])
  -- Events that are too old are never read; about every second of a log's events they are dropped too.
  if string.sub(before, 1, 10) ~= string.sub(last, 1, 10) then
    ${readClock}
    ${trim('MINID', minId)}
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
 * Reads part of a log, and where it ends, at one moment. Looks at no more entries than it answers, and a few dozen
 * to find the first of them, however long the log is.
 *
 * KEYS: log, last id. ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, a log without
 * events kept for ms, how many of the newest to look at (-1: those after an id), the id, limit, bytes of payload.
 *
 * Answers the last id, the origin of a log that was cleared, and whether events are missing from the newest; then id, prev
 * and payload of each entry, in one flat list.
 */
export const readScript: Script = script(`
local log, newest, limit, room = KEYS[1], tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[9])
${readClock}
${readState}
local isNew = not last
last = last or ${newOrigin}
local keep = count == 0 and ARGV[5] or ARGV[3]
if isNew then
  redis.call('SET', KEYS[2], ${stateText}, 'PX', keep)
else
  -- As long as somebody reads, a log that nobody writes to still proves that nothing was missed.
  redis.call('PEXPIRE', KEYS[2], keep)
end

${trim('MAXLEN', 'ARGV[1]')}
${trim('MINID', minId)}

local function number(entry) return tonumber(entry[2][8]) end
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- The id of entry number \`wanted\`, or one just before it. \`entry\` is before it too. Halves the time between the two,
-- as nothing else can be asked of a stream. 64 times at most, even if somebody else has written to it.
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
  local ms, seq = parts(entry[1])
  return string.format('%.0f-%.0f', ms, seq + wanted - number(entry))
end

local answer = { last, cleared, '' }
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
if newest > 0 and first > math.max(1, count - newest + 1) then answer[3] = '1' end

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
  -- About as many as there is room for.
  local fitting = math.floor((room - bytes) / (bytes / (limit - left) + 1))
  from, size = '(' .. entries[size][1], math.max(1, math.min(left, 8 * size, fitting))
  entries = redis.call('XRANGE', log, from, '+', 'COUNT', size)
end
`)

/**
 * Deletes the events of a log, and notifies its listeners.
 *
 * KEYS: log, last id. ARGV: events kept, kept for ms, last id kept for ms, sequence of a new origin, a log without
 * events kept for ms, pub/sub channel, PUBLISH or SPUBLISH.
 *
 * Answers why listeners could not be notified; empty if they were.
 */
export const clearScript: Script = script(`
local log = KEYS[1]
${readClock}
${readState}
if last then now = math.max(now, tonumber(string.match(last, '^%d+')) + 1) end
last = ${newOrigin}
count, cleared = 0, last
redis.call('UNLINK', log)
redis.call('SET', KEYS[2], ${stateText}, 'PX', ARGV[5])
local told = redis.pcall(ARGV[7], ARGV[6], '${interruption}')
return type(told) == 'table' and told.err or ''
`)

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
