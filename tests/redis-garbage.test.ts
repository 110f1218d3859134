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

/** Puts something in the place of the key of a log, and takes it away again. */
interface Garbage {
  readonly what: string
  put(): Promise<unknown>
}

const set = (key: string, value: string) => () => server.admin.set(`${name}:${key}`, value)
const garbage: readonly Garbage[] = [
  { what: 'a last id that is none', put: set('last', 'garbage') },
  { what: 'a last id that is empty', put: set('last', '') },
  { what: 'a last id with more behind it', put: set('last', '1-1 1 1-1 garbage') },
  { what: 'a last id that no stream can have', put: set('last', '99999999999999999999999-0') },
  { what: 'a last id before the events that are there', put: set('last', '1-1 1') },
  { what: 'a last id with zeros before it', put: set('last', '0001-01 1') },
  {
    what: 'a last id of another type',
    put: async () => {
      await server.admin.del(`${name}:last`)
      await server.admin.lpush(`${name}:last`, 'garbage')
    },
  },
  { what: 'a log of another type', put: set('log', 'garbage') },
]

/** Keeps the two keys of the log, to mend it with. */
async function keepLog(): Promise<() => Promise<void>> {
  const { admin } = server
  const kept = await Promise.all(
    ['log', 'last'].map(
      async (key) => [`${name}:${key}`, await admin.dumpBuffer(`${name}:${key}`)] as const,
    ),
  )
  return async () => {
    for (const [key, dump] of kept) if (dump) await admin.restore(key, 0, dump, 'REPLACE')
  }
}

/** How many scripts the server has run since it was last asked. */
async function scriptsRun(): Promise<number> {
  const stats = String(await server.admin.info('commandstats'))
  await server.admin.config('RESETSTAT')
  const counts = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, calls]) =>
    Number(calls),
  )
  return counts.reduce((sum, calls) => sum + calls, 0)
}

describe.each(garbage)('a log with $what', ({ put, what }) => {
  it('is refused at once, and is read again when it is mended', async () => {
    await backend.append(log, ['1'])
    const mend = await keepLog()
    await put()
    await expect(backend.read(log, { last: 10, limit: 10 })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
    await mend()
    expect(
      (await backend.read(log, { last: 10, limit: 10 })).events.map(({ data }) => data),
    ).toEqual(['1'])
    await backend.append(log, ['2'])
    const { events } = await backend.read(log, { last: 10, limit: 10 })
    expect(events.map(({ data }) => data)).toEqual(['1', '2'])
    expect(events[1]?.prev).toBe(events[0]?.id)
  })

  it('rejects a publish, or stores it: there is no third outcome', async () => {
    await backend.append(log, ['1'])
    await put()
    const [outcome] = await Promise.allSettled([backend.append(log, ['2'])])
    if (outcome?.status === 'fulfilled')
      expect(outcome.value.ids).toEqual([expect.stringMatching(/^\d+-\d+$/)])
    else expect(outcome?.reason).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  it('is an error of the channels once, with few attempts, and its readers go on when it is mended', async () => {
    const errors: Inbox<unknown> = createInbox()
    const channels = createChannels({
      backend,
      channels: { log: channel({ event: z.string() }) },
      onError: (error) => errors.put(error),
      positionCheckMs: 50,
    })
    await channels.log().publish('before')
    const mend = await keepLog()
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
    // An attempt for each answer is a loop; with a backoff there are hardly any meanwhile.
    for (let i = 0; i < 20; i++) await server.admin.ping()
    expect(await scriptsRun()).toBeLessThan(10)
    await mend()
    expect(await received.take()).toBe('before')
    await channels.log().publish('after')
    expect(await received.take()).toBe('after')
    expect(errors.items, what).toHaveLength(1)
    ended.abort()
    await reading
  })
})

describe('an answer that can’t be', () => {
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

  it('leaves the appends that were sent with it as they are', async () => {
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

describe('messages that nobody of ours has published', () => {
  it('are ignored, and events go on', async () => {
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

describe('entries that somebody else has written', () => {
  it('are no events, and cost no gap', async () => {
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
