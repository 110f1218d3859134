import type { Chance } from '../chance.ts'

/** Makes commands at random: on few keys, of all types, with arguments at the edge. */
export function randomCommand(chance: Chance): string[] {
  const name = chance.one(names)
  return [name, ...makers[name](chance)]
}

/** Makes a script that runs a random command. */
export function randomScript(chance: Chance): string[] {
  const call = chance.one(['call', 'call', 'pcall'])
  const script = chance.one([
    `return redis.${call}(unpack(ARGV))`,
    `local reply = redis.${call}(unpack(ARGV)) return { type(reply), reply }`,
    `redis.${call}(unpack(ARGV)) return redis.call('XLEN', KEYS[1])`,
  ])
  return ['EVAL', script, '1', 'stream 1', ...randomCommand(chance)]
}

const makers = {
  GET: (chance) => [anyKey(chance)],
  SET: (chance) => [
    anyKey(chance),
    text(chance),
    ...chance.one([[], [], ['PX', ms(chance)], ['px', '100000']]),
  ],
  DEL: (chance) => [anyKey(chance), anyKey(chance)],
  UNLINK: (chance) => [anyKey(chance)],
  EXISTS: (chance) => [anyKey(chance), anyKey(chance)],
  PEXPIRE: (chance) => [anyKey(chance), ms(chance)],
  TYPE: (chance) => [anyKey(chance)],
  XADD: (chance) => [key(chance, 'stream'), ...addTrim(chance), addId(chance), ...fields(chance)],
  XTRIM: (chance) => [key(chance, 'stream'), ...trim(chance)],
  XDEL: (chance) => [key(chance, 'stream'), id(chance), id(chance)],
  XLEN: (chance) => [key(chance, 'stream')],
  XRANGE: (chance) => [
    key(chance, 'stream'),
    bound(chance, '-'),
    bound(chance, '+'),
    ...count(chance),
  ],
  XREVRANGE: (chance) => [
    key(chance, 'stream'),
    bound(chance, '+'),
    bound(chance, '-'),
    ...count(chance),
  ],
  HGET: (chance) => [key(chance, 'hash'), member(chance)],
  HSET: (chance) => [key(chance, 'hash'), member(chance), shortText(chance)],
  HDEL: (chance) => [key(chance, 'hash'), member(chance)],
  HLEN: (chance) => [key(chance, 'hash')],
  HEXISTS: (chance) => [key(chance, 'hash'), member(chance)],
  HSCAN: (chance) => [key(chance, 'hash'), '0', 'COUNT', '10'],
  ZADD: (chance) => [key(chance, 'zset'), score(chance), member(chance)],
  ZREM: (chance) => [key(chance, 'zset'), member(chance)],
  ZSCORE: (chance) => [key(chance, 'zset'), member(chance)],
  ZRANGE: (chance) => [
    key(chance, 'zset'),
    index(chance),
    index(chance),
    ...chance.one([[], ['WITHSCORES']]),
  ],
  ZRANGEBYSCORE: (chance) => [
    key(chance, 'zset'),
    chance.one(['-inf', score(chance)]),
    chance.one(['+inf', score(chance)]),
    ...chance.one([[], ['LIMIT', '0', index(chance)]]),
  ],
  PUBLISH: (chance) => ['channel', text(chance)],
} satisfies Record<string, (chance: Chance) => string[]>

type Name = keyof typeof makers
const often: readonly Name[] = ['XADD', 'XADD', 'XADD', 'XADD', 'XADD', 'XADD', 'XRANGE', 'XTRIM']
const names: readonly Name[] = [...(Object.keys(makers) as Name[]), ...often]

/** Mostly a key of a command's own type. */
function key(chance: Chance, type: string): string {
  return chance.is(0.97) ? `${type} ${chance.between(1, 2)}` : anyKey(chance)
}

function anyKey(chance: Chance): string {
  return `${chance.one(['text', 'stream', 'hash', 'zset'])} ${chance.between(1, 2)}`
}

function text(chance: Chance): string {
  return chance.is(0.2) ? 'ü\u0000\r\n'.repeat(chance.between(0, 900)) : shortText(chance)
}

function shortText(chance: Chance): string {
  const number = String(chance.between(-10, 10) * 10 ** chance.below(16))
  return chance.one(['', 'a', 'some text', number, '.'.repeat(chance.below(64))])
}

/** Short enough that keys expire during a sequence, or long enough that they never do. */
function ms(chance: Chance): string {
  return chance.one(['1', '2', '5', '100000', '0'])
}

function member(chance: Chance): string {
  return chance.one(['a', 'b', 'c', 'ü', '', '12'])
}

function score(chance: Chance): string {
  return chance.one(['0', '-1', '1.5', '1800000000000', '1800000000000.25', '1e20'])
}

function index(chance: Chance): string {
  return String(chance.between(-4, 4))
}

function addId(chance: Chance): string {
  return chance.is(0.5) ? '*' : id(chance)
}

function id(chance: Chance): string {
  return chance.one([
    '0-1',
    '1-1',
    `${chance.below(50)}-${chance.below(3)}`,
    `${chance.below(200)}`,
  ])
}

function bound(chance: Chance, end: string): string {
  if (chance.is(0.4)) return end
  return `${chance.one(['', '', '('])}${id(chance)}`
}

function count(chance: Chance): string[] {
  return chance.is(0.5) ? [] : ['COUNT', String(chance.between(1, 40))]
}

function addTrim(chance: Chance): string[] {
  return chance.is(0.4) ? trim(chance) : []
}

function trim(chance: Chance): string[] {
  const bounds = chance.is(0.5) ? ['MAXLEN', String(chance.between(0, 150))] : ['MINID', id(chance)]
  const [by = '', bound = ''] = bounds
  const limit = ['LIMIT', chance.one(['0', '10', '120', '5000'])]
  return chance.one([
    [by, bound],
    [by, '=', bound],
    [by, '~', bound],
    [by, '~', bound, ...limit],
  ])
}

function fields(chance: Chance): string[] {
  const names = chance.is(0.8) ? ['p', 'd', 'n'] : ['d']
  return names.flatMap((name) => [name, text(chance)])
}
