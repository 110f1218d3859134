import { redisBackend } from '@trpc-sse/redis'
import { type Backend, type ChannelLog, channel, createChannels } from '@trpc-sse/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox, type Inbox } from './support/inbox.ts'
import { type RedisServer, startRedis } from './support/redis.ts'

const log: ChannelLog = { key: '["log"]', retain: { events: 1_000, forMs: 600_000 } }
const name = 'trpc-sse:{%5B%22log%22%5D}'
const farAhead = '99999999999999-0'

let server: RedisServer
let backend: Backend
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await server.admin.flushall()
  backend = redisBackend({ url: server.url })
})
afterEach(() => backend.close())

/** Something that replaces a key of a log. */
interface Garbage {
  readonly what: string
  put(): Promise<unknown>
}

const set = (key: string, value: string) => () => server.admin.set(`${name}:${key}`, value)
const garbage: readonly Garbage[] = [
  { what: 'a last id that is not an id', put: set('last', 'garbage') },
  { what: 'an empty last id', put: set('last', '') },
  { what: 'a last id with text after it', put: set('last', '1-1 1 1-1 garbage') },
  { what: 'a last id beyond 64 bits', put: set('last', '99999999999999999999999-0') },
  { what: 'a last id before its events', put: set('last', '1-1 1') },
  { what: 'a last id with leading zeros', put: set('last', '0001-01 1') },
  {
    what: 'a last id of another type',
    put: async () => {
      await server.admin.del(`${name}:last`)
      await server.admin.lpush(`${name}:last`, 'garbage')
    },
  },
  { what: 'a log of another type', put: set('log', 'garbage') },
]

/** Saves the two keys of the log. Returns a function that restores them. */
async function saveLog(): Promise<() => Promise<void>> {
  const { admin } = server
  const saved = await Promise.all(
    ['log', 'last'].map(
      async (key) => [`${name}:${key}`, await admin.dumpBuffer(`${name}:${key}`)] as const,
    ),
  )
  return async () => {
    for (const [key, dump] of saved) if (dump) await admin.restore(key, 0, dump, 'REPLACE')
  }
}

/** Returns the number of scripts that the server has run since the last call. */
async function scriptsRun(): Promise<number> {
  const stats = String(await server.admin.info('commandstats'))
  await server.admin.config('RESETSTAT')
  const counts = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, calls]) =>
    Number(calls),
  )
  return counts.reduce((sum, calls) => sum + calls, 0)
}

describe.each(garbage)('a log with $what', ({ put, what }) => {
  it('rejects a read at once, and can be read again once restored', async () => {
    await backend.append(log, ['1'])
    const restore = await saveLog()
    await put()
    await expect(backend.read(log, { last: 10, limit: 10 })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
    await restore()
    expect(
      (await backend.read(log, { last: 10, limit: 10 })).events.map(({ data }) => data),
    ).toEqual(['1'])
    await backend.append(log, ['2'])
    const { events } = await backend.read(log, { last: 10, limit: 10 })
    expect(events.map(({ data }) => data)).toEqual(['1', '2'])
    expect(events[1]?.prev).toBe(events[0]?.id)
  })

  it('either rejects a publish or stores it', async () => {
    await backend.append(log, ['1'])
    await put()
    const [outcome] = await Promise.allSettled([backend.append(log, ['2'])])
    if (outcome?.status === 'fulfilled')
      expect(outcome.value.ids).toEqual([expect.stringMatching(/^\d+-\d+$/)])
    else expect(outcome?.reason).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  it('is reported once, costs few retries, and its readers continue once restored', async () => {
    const errors: Inbox<unknown> = createInbox()
    const channels = createChannels({
      backend,
      channels: { log: channel({ event: z.string() }) },
      onError: (error) => errors.put(error),
      positionCheckMs: 50,
    })
    await channels.log().publish('before')
    const restore = await saveLog()
    await put()
    const received: Inbox<string> = createInbox()
    const ended = new AbortController()
    const reading = (async () => {
      const { signal } = ended
      for await (const [, data] of channels.log().subscribe({ signal, replay: 'all' }))
        received.put(data)
    })()
    expect(await errors.take()).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await scriptsRun()
    // Retries without a backoff would run one script per ping.
    for (let i = 0; i < 20; i++) await server.admin.ping()
    expect(await scriptsRun()).toBeLessThan(10)
    await restore()
    expect(await received.take()).toBe('before')
    await channels.log().publish('after')
    expect(await received.take()).toBe('after')
    expect(errors.items, what).toHaveLength(1)
    ended.abort()
    await reading
  })
})

describe('an impossible reply', () => {
  it.each([
    'garbage',
    '',
    'token',
    'token garbage',
    'token 5-1 4-1',
    `token ${farAhead} garbage`,
    ' 1-1 ',
  ])('rejects a publish whose idempotency key holds %j', async (value) => {
    await server.admin.set(`${name}:key:a`, value)
    await expect(backend.append(log, ['1'], { idempotencyKey: 'a' })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
    await server.admin.del(`${name}:key:a`)
    expect(await backend.append(log, ['1'], { idempotencyKey: 'a' })).toMatchObject({
      duplicate: false,
    })
  })

  it('does not affect earlier appends', async () => {
    await server.admin.set(`${name}:key:a`, 'garbage')
    await backend.append(log, ['0'])
    await expect(backend.append(log, ['1'], { idempotencyKey: 'a' })).rejects.toThrow(
      /idempotency|keys/,
    )
    expect((await backend.read(log, { last: 9, limit: 9 })).events.map(({ data }) => data)).toEqual(
      ['0'],
    )
  })
})

describe('foreign pub/sub messages', () => {
  it('are ignored, and later events arrive', async () => {
    const heard: Inbox<string> = createInbox()
    await backend.listen(log, { onEvent: ({ data }) => heard.put(data), onInterrupted() {} })
    const texts = [
      '',
      ' ',
      'garbage',
      '1-1',
      '1-1 2-1',
      'a b c',
      '2-1 1-1 back',
      '1-1 1-1 same',
      '01-1 2-1 x',
      '\u0000',
    ]
    for (const text of texts) await server.admin.publish(`${name}:live:0`, text)
    await backend.append(log, ['ours'])
    expect(await heard.take()).toBe('ours')
  })
})

describe('foreign entries of a stream', () => {
  it('are skipped without a gap', async () => {
    const errors: Inbox<unknown> = createInbox()
    const channels = createChannels({
      backend,
      channels: { log: channel({ event: z.string() }) },
      onError: (error) => errors.put(error),
    })
    const room = channels.log()
    await room.publish('1')
    const foreign: readonly (readonly [string, string, ...string[]])[] = [
      ['their', 'field'],
      ['p', 'garbage', 'd', '"x"'],
      ['p', '', 'd', ''],
      ['d', '"x"', 'p', '1-1'],
    ]
    for (const [field, value, ...more] of foreign)
      await server.admin.xadd(`${name}:log`, '*', field, value, ...more)
    await room.publish('2')
    const ended = new AbortController()
    const received: string[] = []
    for await (const [, data] of room.subscribe({ signal: ended.signal, replay: 'all' })) {
      received.push(data)
      if (data === '2') ended.abort()
    }
    expect(received).toEqual(['1', '2'])
    for (const _ of foreign)
      expect(await errors.take()).toMatchObject({ code: 'UNDECODABLE_EVENT' })
  })
})
