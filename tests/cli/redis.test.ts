import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, run, stateChannel } from '@trpc-sse/server'
import superjson from 'superjson'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type CliOptions, cli, startCli } from '../support/cli.ts'
import { createDeferred } from '../support/deferred.ts'
import { listen } from '../support/http.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let redis: RedisServer
let redisUrl: CliOptions

beforeAll(async () => {
  redis = await startRedis()
  redisUrl = { env: { REDIS_URL: redis.url } }
})
afterAll(() => redis[Symbol.asyncDispose]())
beforeEach(() => redis.admin.flushall())

/** Channels of an app, each time with connections of their own. */
function createApp(options: { readonly prefix?: string } = {}) {
  const channels = createChannels({
    backend: redisBackend({ url: redis.url }, options),
    channels: {
      chat: channel({
        params: z.object({ room: z.string(), side: z.string().optional() }),
        event: z.object({ text: z.string() }),
        retain: { events: 100, forMs: 60_000 },
      }),
      news: channel({ event: z.string() }),
      cursors: stateChannel({ value: z.object({ x: z.number() }) }),
      answer: run({ params: z.object({ id: z.string() }), event: z.string() }),
    },
  })
  return Object.assign(channels, { [Symbol.asyncDispose]: () => channels.close() })
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line))
/** What is kept in Redis, without what a use of a log renews. */
async function contents(): Promise<unknown> {
  const keys = (await redis.admin.keys('*')).sort()
  return Promise.all(keys.map(async (key) => [key, (await redis.admin.dump(key))?.toString()]))
}

describe('channels', () => {
  it('lists logs of every kind, and only those with the prefix', async () => {
    await using app = createApp()
    await using other = createApp({ prefix: 'other' })
    await other.news().publish('elsewhere')
    await app.chat({ room: 'lobby', side: 'left' }).publish({ text: 'hello' })
    await app.news().publish('one')
    await app.cursors().set('ann', { x: 1 })
    await app.answer({ id: '1' }).produce(asStream(['a']))
    const { code, lines, notes } = await cli(['channels', '--json'], redisUrl)
    expect({ code, notes }).toEqual({ code: 0, notes: [] })
    expect(
      parsed(lines).map(({ name, params, kind, events }) => [name, params, kind, events]),
    ).toEqual([
      ['answer', { id: '1' }, 'run', 2],
      ['chat', { room: 'lobby', side: 'left' }, 'channel', 1],
      ['cursors', undefined, 'state', 1],
      ['news', undefined, 'channel', 1],
    ])
    const table = await cli(['channels', 'chat'], redisUrl)
    expect(table.lines[0]).toMatch(/^CHANNEL +PARAMS +KIND +EVENTS +ENTRIES +NEWEST EVENT$/)
    expect(table.lines).toHaveLength(2)
    const others = await cli(['channels', '--prefix', 'other', '--json'], redisUrl)
    expect(parsed(others.lines)).toMatchObject([{ name: 'news' }])
  })

  it('finds nothing of another program, and treats a prefix as text', async () => {
    await redis.admin.mset('trpc-sse:{%zz}:last', 'x', 'trpc-sse:{a b}:last', 'x', 'x', 'x')
    await using app = createApp({ prefix: 'a*[b]?' })
    await app.news().publish('one')
    await using similar = createApp({ prefix: 'axb' })
    await similar.news().publish('two')
    expect((await cli(['channels', '--json'], redisUrl)).lines).toEqual([])
    expect((await cli(['channels', '--prefix', 'a*[b]?'], redisUrl)).lines).toHaveLength(2)
  })

  it('stops at its limits, and says so', async () => {
    await using app = createApp()
    for (const room of range(1, 5)) await app.chat({ room: `${room}` }).publish({ text: '' })
    const limited = await cli(['channels', '--limit', '3', '--json'], redisUrl)
    expect(limited.lines).toHaveLength(3)
    expect(limited.notes.join()).toContain('--limit')
    await redis.admin.mset(Object.fromEntries(range(1, 5_000).map((n) => [`filler:${n}`, ''])))
    const scanned = await cli(['channels', '--scan-limit', '1'], redisUrl)
    expect(scanned.notes.join()).toContain('--scan-limit')
  })
})

describe('history', () => {
  it('prints the newest events, or those after an id', async () => {
    await using app = createApp()
    const room = app.chat({ room: 'lobby' })
    const ids: string[] = []
    for (const n of range(1, 600)) ids.push((await room.publish({ text: `${n}` })).id)
    const args = ['history', 'chat', '{"room":"lobby"}', '--json']
    const newest = await cli([...args, '--last', '2'], redisUrl)
    const [, id99 = '', id100 = ''] = ids.slice(-3)
    expect(parsed(newest.lines)).toMatchObject([
      { id: id99, data: { text: '599' } },
      { id: id100, data: { text: '600' }, at: new Date(Number.parseInt(id100, 10)).toISOString() },
    ])
    const after = await cli([...args, '--after', ids.at(-51) ?? ''], redisUrl)
    expect(parsed(after.lines).map(({ id }) => id)).toEqual(ids.slice(-50))
    const limited = await cli([...args, '--after', '0-0', '--limit', '3'], redisUrl)
    expect(limited.lines).toHaveLength(3)
  })

  it('shows what a terminal would obey as escapes, cuts what is long, and prints all as JSON', async () => {
    await using app = createApp()
    const hostile = `\u001b]0;owned\u0007\u009b2J\u202e${'x'.repeat(5_000)}`
    await app.news().publish(hostile)
    const shown = await cli(['history', 'news'], redisUrl)
    const json = await cli(['history', 'news', '--json'], redisUrl)
    for (const [line = ''] of [shown.lines, json.lines]) {
      expect(line).toMatch(/^[\u0020-\u007e…]*$/)
      expect(line).toContain('\\u001b]0;owned\\u0007')
    }
    expect(shown.lines[0]?.length).toBeLessThan(1_200)
    expect(shown.lines[0]).toContain('more characters')
    expect(parsed(json.lines)).toMatchObject([{ data: hostile }])
    expect((await cli(['history', 'news', '--full'], redisUrl)).lines[0]).toContain(
      'x'.repeat(5_000),
    )
  })

  it('prints payloads of other programs, binary ones too', async () => {
    await using app = createApp()
    await app.news().publish('one')
    const [log = ''] = await redis.admin.keys('*:log')
    await redis.admin.xadd(log, '*', 'p', '1-0', 'd', Buffer.from([0xff, 0x1b, 0x5b, 0x00]))
    await redis.admin.xadd(log, '*', 'else', 'x')
    await app.news().publish('two')
    const { code, lines } = await cli(['history', 'news', '--json'], redisUrl)
    expect(code).toBe(0)
    expect(parsed(lines)).toMatchObject([
      { data: 'one' },
      { text: '\ufffd\u001b[\u0000' },
      { text: '' },
      { data: 'two' },
    ])
  })

  it('deletes nothing that the app keeps, and shortens no expiry', async () => {
    await using app = createApp()
    const room = app.chat({ room: 'lobby' })
    for (const n of range(1, 150)) await room.publish({ text: `${n}` })
    const [log = ''] = await redis.admin.keys('*:log')
    const [last = ''] = await redis.admin.keys('*:last')
    const before = { contents: await contents(), expiry: await redis.admin.pexpiretime(log) }
    const lastExpiry = await redis.admin.pexpiretime(last)
    await cli(['history', 'chat', '{"room":"lobby"}'], redisUrl)
    await cli(['channels'], redisUrl)
    expect({ contents: await contents(), expiry: await redis.admin.pexpiretime(log) }).toEqual(
      before,
    )
    expect(await redis.admin.pexpiretime(last)).toBeGreaterThanOrEqual(lastExpiry)
  })
})

describe('tail', () => {
  it('prints the newest events, then each one as it is stored, until Ctrl-C', async () => {
    await using app = createApp()
    const room = app.chat({ room: 'lobby' })
    for (const n of range(1, 3)) await room.publish({ text: `${n}` })
    const args = ['tail', 'chat', '{"room":"lobby"}', '--last', '1', '--json']
    const tail = startCli(args, redisUrl)
    expect(JSON.parse(await tail.lines.take()).data).toEqual({ text: '3' })
    for (const n of range(4, 6)) await room.publish({ text: `${n}` })
    const live = parsed(await tail.lines.takeMany(3))
    expect(live.map(({ data }) => data.text)).toEqual(['4', '5', '6'])
    tail.interrupt()
    expect(await tail.exited).toBe(0)
    expect(tail.notes.items).toEqual([])
  })

  it('waits for a channel without events', async () => {
    await using app = createApp()
    const tail = startCli(['tail', 'news', '--count', '1'], redisUrl)
    expect(await tail.notes.take()).toContain('["news"] has no events yet')
    await expect
      .poll(() => redis.admin.pubsub('NUMSUB', 'trpc-sse:{%5B%22news%22%5D}:live:0'))
      .toEqual(['trpc-sse:{%5B%22news%22%5D}:live:0', 1])
    await app.news().publish('first')
    expect(await tail.lines.take()).toContain('"first"')
    expect(await tail.exited).toBe(0)
  })

  it('reports missing events once, and continues after a clear or a restart of Redis', async () => {
    await using server = await startRedis()
    const env = { env: { REDIS_URL: server.url } }
    await using app = Object.assign(
      createChannels({
        backend: redisBackend({ url: server.url }, { onStatus: () => {} }),
        channels: { news: channel({ event: z.string() }) },
      }),
      { [Symbol.asyncDispose]: () => app.close() },
    )
    await app.news().publish('one')
    const tail = startCli(['tail', 'news', '--json'], env)
    const one = JSON.parse(await tail.lines.take())
    await app.news().clear()
    expect(JSON.parse(await tail.lines.take())).toEqual({
      gap: { type: 'gap', lastEventId: one.id, reason: 'reset' },
    })
    await app.news().publish('two')
    expect(JSON.parse(await tail.lines.take()).data).toBe('two')
    await server.restart()
    await app.news().publish('three')
    expect(JSON.parse(await tail.lines.take())).toMatchObject({ gap: {} })
    expect(JSON.parse(await tail.lines.take()).data).toBe('three')
    tail.interrupt()
    expect(await tail.exited).toBe(0)
  })
})

describe('publish', () => {
  it('reaches subscribers, once for each idempotency key, and shortens no expiry', async () => {
    await using app = createApp()
    await app.news().publish('one')
    const [log = ''] = await redis.admin.keys('*:log')
    const expiry = await redis.admin.pexpiretime(log)
    const args = ['publish', 'news', '--data', '"two"', '--idempotency-key', 'k', '--json']
    const first = await cli(args, redisUrl)
    const second = await cli(args, redisUrl)
    expect(first.code + second.code).toBe(0)
    const [{ id }] = parsed(first.lines)
    expect(parsed([...first.lines, ...second.lines])).toEqual([
      { id, duplicate: false },
      { id, duplicate: true },
    ])
    const { events } = await app.news().history({ last: 5 })
    expect(events.map(({ data }) => data)).toEqual(['one', 'two'])
    expect(await redis.admin.pexpiretime(log)).toBeGreaterThanOrEqual(expiry)
  })

  it.each([
    [['chat', '{"room":"x"}', '--data', '1'], 1, 'has no log yet'],
    [['cursors', '--data', '1'], 1, 'is not a channel (state)'],
    [['answer', '{"id":"1"}', '--data', '1'], 1, 'is not a channel (run)'],
    [['news'], 2, '--data'],
    [['news', '--data', '{text:1}'], 2, 'is not JSON'],
    [['news', '--data', `"${'x'.repeat(300_000)}"`], 2, '262144 bytes'],
  ])('refuses %j', async (args, code, message) => {
    await using app = createApp()
    await app.cursors().set('ann', { x: 1 })
    await app.answer({ id: '1' }).produce(asStream(['a']))
    const before = await contents()
    const result = await cli(['publish', ...args], redisUrl)
    expect(result.code).toBe(code)
    expect(result.notes.join()).toContain(message)
    expect(await contents()).toEqual(before)
  })

  it('refuses plain JSON among the events of superjson', async () => {
    const channels = createChannels({
      backend: redisBackend({ url: redis.url }),
      transformer: superjson,
      channels: { dates: channel({ event: z.date() }) },
    })
    await channels.dates().publish(new Date(0))
    const args = ['publish', 'dates', '--data']
    expect((await cli([...args, '"2026-01-01"'], redisUrl)).notes.join()).toContain('superjson')
    const wrapped = '{"json":"1970-01-01T00:00:00.000Z","meta":{"values":["Date"]}}'
    expect((await cli([...args, wrapped], redisUrl)).code).toBe(0)
    await channels.close()
  })

  it("with --module, validates, encodes and stores as the app's channels do", async () => {
    await using folder = await createFolder()
    const publish = async (file: string, event: unknown, ...name: string[]) => {
      // Modules are loaded once, and a command closes what it has loaded.
      await writeFile(join(folder.path, file), appModule(redis.url))
      const data = ['--data', JSON.stringify(event)]
      return cli(['publish', ...name, '--module', file, ...data], { cwd: folder.path })
    }
    const at = '2026-01-01T00:00:00.000Z'
    const invalid = await publish('a.ts', { id: 'one', at }, 'orders')
    expect(invalid.code).toBe(1)
    expect(invalid.notes.join()).toMatch(/id: .*expected number/)
    expect((await publish('b.ts', { id: 1, at }, 'orders')).code).toBe(0)
    const stored = await cli(['history', 'orders', '--json'], redisUrl)
    expect(parsed(stored.lines)).toMatchObject([
      { data: { json: { id: 1, at }, meta: { values: { at: ['Date'] } } } },
    ])
    expect((await publish('c.ts', 1, 'seats')).notes.join()).toContain(
      'is a run or a state channel',
    )
    expect((await publish('d.ts', 1, 'toString')).notes.join()).toContain('exports no channels')
    expect(
      (await cli(['publish', 'x', '--module', 'none.ts', '--data', '1'])).notes.join(),
    ).toContain("can't load the module")
  })
})

describe('runs', () => {
  it('lists runs with their status, newest first', async () => {
    await using app = createApp()
    await app.answer({ id: '1' }).produce(asStream(['a', 'b']))
    await app.answer({ id: '2' }).stop({ reason: 'not needed' })
    const held = createDeferred<void>()
    const running = app.answer({ id: '3' }).produce(
      (async function* () {
        yield 'a'
        await held.promise
      })(),
    )
    await expect
      .poll(() => runs())
      .toMatchObject([
        { params: { id: '3' }, status: 'running', deltas: 1 },
        { params: { id: '2' }, status: 'stopped', deltas: 0, reason: 'not needed' },
        { params: { id: '1' }, status: 'completed', deltas: 2 },
      ])
    expect(await runs('--status', 'running')).toMatchObject([{ params: { id: '3' } }])
    held.resolve()
    await running
    expect(await runs('--status', 'running')).toEqual([])
    expect((await cli(['runs', '--status', 'done'], redisUrl)).code).toBe(2)
  })

  const runs = async (...args: string[]) =>
    parsed((await cli(['runs', 'answer', '--json', ...args], redisUrl)).lines)
})

describe('state', () => {
  it('prints all entries, or as many as the limit allows', async () => {
    await using app = createApp()
    const entries = range(1, 1_200).map((n) => [`k${n}`, { x: n }] as const)
    await app.cursors().setMany(entries.slice(0, 1_000))
    await app.cursors().setMany(entries.slice(1_000))
    const all = await cli(['state', 'cursors', '--json', '--limit', '5000'], redisUrl)
    expect(new Map(parsed(all.lines).map(({ key, value }) => [key, value]))).toEqual(
      new Map(entries),
    )
    const some = await cli(['state', 'cursors', '--limit', '10'], redisUrl)
    expect(some.lines).toHaveLength(11)
    expect(some.notes.join()).toContain('there are more entries')
  })

  it('prints the members of a channel with --presence', async () => {
    await using app = createApp()
    const over = new AbortController()
    const { presence } = app.chat({ room: 'lobby' })
    await presence.hold({ signal: over.signal }, { key: 'ann', value: { name: 'Ann' } })
    const args = ['state', 'chat', '{"room":"lobby"}', '--presence']
    const { code, lines } = await cli(args, redisUrl)
    expect(code).toBe(0)
    expect(lines.slice(1)).toEqual([expect.stringMatching(/ann.*"name":"Ann"/)])
    const logs = await cli(['channels', '--json'], redisUrl)
    expect(parsed(logs.lines)).toMatchObject([
      { key: '~instances', kind: 'internal' },
      { key: '~presence["chat",{"room":"lobby"}]', kind: 'presence', params: { room: 'lobby' } },
    ])
    over.abort()
  })

  it('refuses a channel, which has none', async () => {
    await using app = createApp()
    await app.news().publish('one')
    const { code, notes } = await cli(['state', 'news'], redisUrl)
    expect(code).toBe(1)
    expect(notes.join()).toContain('Use history or tail')
  })
})

describe('every command', () => {
  const commands = [
    ['channels'],
    ['history', 'news'],
    ['tail', 'news'],
    ['publish', 'news', '--data', '1'],
    ['runs'],
    ['state', 'news'],
  ]

  it.each(commands)(
    '%s says in one line that Redis is not there, without the password',
    async (...args) => {
      const url = 'redis://user:secret@127.0.0.1:1'
      const { code, lines, notes } = await cli(args, { env: { REDIS_URL: url } })
      expect({ code, lines }).toEqual({ code: 3, lines: [] })
      expect(notes).toEqual([expect.stringContaining("can't connect to Redis at 127.0.0.1:1")])
      expect(notes.join()).not.toContain('secret')
    },
  )

  it.each(['http://localhost', 'redis//x', 'redis://localhost/a', '', 'redis://x:secret@h:99999'])(
    'refuses the address %j as wrong usage',
    async (url) => {
      const { code, notes } = await cli(['channels', '--redis', url])
      expect(code).toBe(2)
      expect(notes.join()).not.toContain('secret')
    },
  )

  it('gives up on a server that is no Redis, and on one that never answers', async () => {
    await using web = await listen((_request, response) => response.end('hello'))
    const answers = await cli(['channels', '--redis', web.url.replace('http', 'redis')])
    expect(answers.code).toBe(3)
  })

  it.each(commands)('%s ends soon after Ctrl-C, though Redis hangs', async (...args) => {
    await using server = await startRedis()
    server.freeze()
    const running = startCli(args, { env: { REDIS_URL: server.url } })
    running.interrupt()
    expect(await running.exited).toBe(130)
    server.thaw()
  })

  it('says what Redis refuses', async () => {
    await redis.admin.call('ACL', 'SETUSER', 'poor', 'on', '>pw', '~*', '-@all', '+ping', '+info')
    const url = redis.url.replace('//', '//poor:pw@')
    const { code, notes } = await cli(['channels'], { env: { REDIS_URL: url } })
    expect(code).toBe(1)
    expect(notes.join()).toMatch(/NOPERM/)
    await redis.admin.call('ACL', 'DELUSER', 'poor')
  })
})

async function* asStream<TItem>(items: readonly TItem[]): AsyncGenerator<TItem> {
  yield* items
}

/** A folder from which the packages can be imported. */
async function createFolder() {
  const path = await mkdtemp(join(import.meta.dirname, '../.docs-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

function appModule(url: string): string {
  return `
    import { redisBackend } from '@trpc-sse/redis'
    import { channel, createChannels, stateChannel } from '@trpc-sse/server'
    import superjson from 'superjson'
    import { z } from 'zod'
    const at = z.string().transform((text) => new Date(text))
    export const channels = createChannels({
      backend: redisBackend({ url: '${url}' }),
      transformer: superjson,
      channels: {
        orders: channel({ event: z.object({ id: z.number(), at }) }),
        seats: stateChannel({ value: z.number() }),
      },
    })`
}
