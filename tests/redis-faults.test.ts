import { type RedisBackendOptions, redisBackend } from '@trpc-sse/redis'
import { type Backend, type ChannelLog, compareEventIds, type StoredEvent } from '@trpc-sse/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { createInbox } from './support/inbox.ts'
import { manualClock } from './support/manual-clock.ts'
import { type RedisServer, startRedis } from './support/redis.ts'
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.ts'

const log: ChannelLog = { key: 'log', retain: { events: 20_000, forMs: 600_000 } }

let server: RedisServer
let proxy: TcpProxy
let backends: Backend[]

beforeEach(async () => {
  server = await startRedis()
  proxy = await startTcpProxy(server.port)
  backends = []
})

afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()))
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Opens a backend as another process would. If `proxied`, it connects through the proxy. */
function open({
  proxied = false,
  ...options
}: {
  proxied?: boolean
} & RedisBackendOptions = {}): Backend {
  const backend = redisBackend(
    { url: `redis://127.0.0.1:${proxied ? proxy.port : server.port}` },
    options,
  )
  backends.push(backend)
  return backend
}

/** The payloads of a whole log. */
async function stored(backend: Backend, asked = log): Promise<string[]> {
  const { events } = await backend.read(asked, { after: '0-0', limit: 100_000 })
  return events.map((event) => event.data)
}

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i}`)
}

describe('a change whose reply is lost (B30)', () => {
  const shared: ChannelLog = { ...log, entries: { checkMs: 1_000 } }

  it('is applied once, though its condition no longer holds', async () => {
    const backend = open({ proxied: true })
    await backend.append(log, ['0'])
    const lost = proxy.loseNextAnswer()
    const changing = backend.change?.(shared, {
      when: [{ key: 'lease', is: null }],
      set: [{ key: 'lease', value: 'mine', forMs: 600_000 }],
      payloads: ['1', '2'],
    })
    await lost
    const result = await changing
    expect(result).toMatchObject({ outcome: 'changed', current: [null] })
    expect(await stored(backend, shared)).toEqual(['0', '1', '2'])
    const { events } = await backend.read(shared, { last: 2, limit: 2 })
    expect(result?.ids).toEqual(events.map(({ id }) => id))
  })
})

describe('a publish whose reply is lost', () => {
  it('is stored once, and resolves with its ids', async () => {
    const backend = open({ proxied: true })
    await backend.append(log, ['0'])
    const lost = proxy.loseNextAnswer()
    const appending = backend.append(log, ['1', '2'])
    await lost
    const { ids, duplicate } = await appending
    expect(duplicate).toBe(false)
    const { events } = await backend.read(log, { after: '0-0', limit: 10 })
    expect(events.map((event) => event.data)).toEqual(['0', '1', '2'])
    expect(events.slice(1).map((event) => event.id)).toEqual(ids)
  })

  it('is not reported as a duplicate of itself with an idempotency key', async () => {
    const backend = open({ proxied: true })
    await backend.append(log, ['0'])
    const lost = proxy.loseNextAnswer()
    const appending = backend.append(log, ['1'], { idempotencyKey: 'key' })
    await lost
    expect((await appending).duplicate).toBe(false)
    expect((await backend.append(log, ['1'], { idempotencyKey: 'key' })).duplicate).toBe(true)
    expect(await stored(backend)).toEqual(['0', '1'])
  })

  it('is stored by a retry if Redis never received it', async () => {
    const backend = open({ proxied: true })
    await backend.append(log, ['0'])
    proxy.stall()
    const appending = backend.append(log, ['1'])
    proxy.cut()
    await appending
    expect(await stored(backend)).toEqual(['0', '1'])
  })

  it.each([
    { name: 'is rejected as unconfirmed', payloads: ['1'], later: 150 },
    {
      name: 'is rejected as unconfirmed even if some of its events remain',
      payloads: ['1', '2'],
      later: 99,
    },
  ])('$name once the log is trimmed past it', async ({ payloads, later }) => {
    const short = { key: 'short', retain: { ...log.retain, events: 100 } }
    const [publisher, other] = [open({ proxied: true, commandTimeoutMs: 2_000 }), open()]
    await publisher.append(short, ['0'])
    const lost = proxy.loseNextAnswer()
    const appending = publisher.append(short, payloads)
    proxy.refusing = true
    await lost
    await other.append(short, numbers(later, 1_000))
    await other.read(short, { last: 1, limit: 1 })
    proxy.refusing = false
    await expect(appending).rejects.toMatchObject({ code: 'PUBLISH_UNCONFIRMED' })
  })

  it('stays before the publishes that were called after it', async () => {
    const backend = open({ proxied: true })
    await backend.append(log, ['start'])
    const lost = proxy.loseNextAnswer()
    const appending = numbers(50).map((data, i) =>
      backend.append(log, [data], i % 7 === 0 ? { idempotencyKey: data } : {}),
    )
    await lost
    appending.push(...numbers(50, 50).map((data) => backend.append(log, [data])))
    await Promise.all(appending)
    expect(await stored(backend)).toEqual(['start', ...numbers(100)])
  })
})

describe('publishes with idempotency keys', () => {
  const keyed = (backend: Backend, i: number, key = `${i}`) =>
    backend.append(log, [`${i}`], { idempotencyKey: key })

  it('are stored in the order of their calls while scripts are flushed', async () => {
    const [one, another] = [open(), open()]
    await keyed(one, -1)
    const calls: Promise<unknown>[] = []
    for (let round = 0; round < 20; round++) {
      calls.push(...Array.from({ length: 30 }, (_, i) => keyed(one, round * 30 + i)))
      // The first client that runs the script afterwards loads it for all.
      await Promise.all([
        server.admin.script('FLUSH'),
        another.append({ ...log, key: 'another' }, ['x']),
      ])
    }
    await Promise.all(calls)
    expect(await stored(one)).toEqual(Array.from({ length: 601 }, (_, i) => `${i - 1}`))
  })

  it('are deduplicated within one command, and stay in order with publishes without a key', async () => {
    const backend = open()
    const results = await Promise.all([
      backend.append(log, ['first']),
      keyed(backend, 1, 'same'),
      backend.append(log, ['x', 'y']),
      keyed(backend, 2, 'same'),
      keyed(backend, 3),
      backend.append(log, ['last']),
    ])
    expect(results.map(({ duplicate }) => duplicate)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ])
    expect(results[3]?.ids).toEqual(results[1]?.ids)
    expect(await stored(backend)).toEqual(['first', '1', 'x', 'y', '3', 'last'])
    const { events } = await backend.read(log, { after: '0-0', limit: 10 })
    expect(events.slice(1).map(({ prev }) => prev)).toEqual(events.slice(0, -1).map(({ id }) => id))
  })

  it('are each stored once, and not reported as duplicates, when their common reply is lost', async () => {
    const backend = open({ proxied: true })
    // Appends that are called while this one is in progress are sent together.
    const first = backend.append(log, ['0'])
    const together = Promise.all([
      backend.append(log, ['a']),
      ...[1, 2, 3].map((i) => keyed(backend, i)),
      backend.append(log, ['b']),
      keyed(backend, 4, '1'),
    ])
    await first
    await proxy.loseNextAnswer()
    const results = await together
    expect(results.map(({ duplicate }) => duplicate)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ])
    expect(await stored(backend)).toEqual(['0', 'a', '1', '2', '3', 'b'])
  })
})

describe('connections that are killed', () => {
  it('store each of 5,000 publishes in flight exactly once', async () => {
    const backend = open()
    const logs = Array.from({ length: 25 }, (_, i) => ({ ...log, key: `log ${i}` }))
    const answered = { count: 0 }
    const kills: Promise<unknown>[] = []
    const appending = numbers(5_000).map(async (data, i) => {
      const options = i % 10 === 0 ? { idempotencyKey: data } : {}
      const result = await backend.append(logs[i % logs.length] ?? log, [data], options)
      if (++answered.count % 500 === 0)
        kills.push(server.admin.call('client', 'kill', 'type', 'normal'))
      return result
    })
    const results = await Promise.all(appending)
    expect(kills.length).toBeGreaterThanOrEqual(10)
    await Promise.all(kills)
    for (const [i, each] of logs.entries()) {
      const { events } = await backend.read(each, { after: '0-0', limit: 1_000 })
      const mine = numbers(5_000).filter((_, n) => n % logs.length === i)
      expect(events.map((event) => event.data)).toEqual(mine)
      expect(events.map((event) => event.id)).toEqual(mine.map((n) => results[Number(n)]?.ids[0]))
    }
  })

  it('cost a reader no event, even if its subscriber is killed 20 times under load', async () => {
    const [reader, writer] = [open(), open()]
    const follower = await follow(reader, log)
    for (let round = 1; round <= 20; round++) {
      const writing = Promise.all(numbers(50, round * 50).map((data) => writer.append(log, [data])))
      await server.admin.call('client', 'kill', 'type', 'pubsub')
      const ids = (await writing).map((result) => result.ids[0] ?? '')
      await follower.reached(ids.at(-1) ?? '')
    }
    expect(follower.gaps).toEqual([])
    expect(follower.events.map((event) => event.data)).toEqual(numbers(1_000, 50))
    expect(follower.interruptions).toBeGreaterThan(10)
  })

  it('are replaced when a command gets no reply', async () => {
    const backend = open({ proxied: true, commandTimeoutMs: 200 })
    await backend.append(log, ['0'])
    proxy.stall()
    // The command and its connection time out at the same moment. Whichever is first, there is no
    // other connection.
    proxy.refusing = true
    await expect(backend.append(log, ['1'])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    proxy.refusing = false
    // A publish that timed out may have been stored, so it is repeated with a key.
    const append = () => backend.append(log, ['2'], { idempotencyKey: 'two' })
    await expect.poll(() => append().catch(() => 'not yet')).toHaveProperty('ids')
    expect(await stored(backend)).toEqual(['0', '2'])
  })

  it('are replaced when they are silent and don’t answer a ping', async () => {
    const [reader, writer] = [open({ proxied: true, probeMs: 30, commandTimeoutMs: 200 }), open()]
    const follower = await follow(reader, log)
    proxy.stall()
    const { ids } = await writer.append(log, ['unheard'])
    await follower.reached(ids[0] ?? '')
    expect(follower.interruptions).toBe(1)
    expect(follower.gaps).toEqual([])
  })

  it('are pinged `probeMs` after the last message', async () => {
    const clock = manualClock()
    const lost: unknown[] = []
    const reader = open({
      clock,
      probeMs: 10_000,
      onStatus: ({ status }) => void lost.push(status),
    })
    const heard = createInbox<StoredEvent>()
    await reader.listen(log, { onEvent: heard.put, onInterrupted() {} })
    clock.advance(9_000)
    await open().append(log, ['heard'])
    await heard.take()
    server.freeze()
    clock.advance(10_000)
    expect(lost).toEqual([])
    // A ping may take as long as a command.
    clock.advance(5_000)
    server.thaw()
    expect(lost).toEqual(['lost'])
  })
})

describe('a server whose clock was set back', () => {
  it.each([
    { name: 'once the log has expired', exists: false },
    { name: 'while the log is there', exists: true },
  ])('gives ascending ids $name', async ({ exists }) => {
    const backend = open()
    const future = Date.now() + 3_600_000
    if (exists) await server.admin.xadd('trpc-sse:{log}:log', `${future}-8`, 'p', '0-0', 'd', 'old')
    await server.admin.set('trpc-sse:{log}:last', `${future}-8`)
    const { ids: three } = await backend.append(log, numbers(3))
    const ids = [...three, ...(await backend.append(log, numbers(1))).ids]
    // After one digit: ids compared as text sort differently when the sequence gains digits.
    expect(ids.every((id) => id.startsWith(`${future}-`))).toBe(true)
    expect([`${future}-8`, ...ids].toSorted(compareEventIds)).toEqual([`${future}-8`, ...ids])
    expect(new Set(ids).size).toBe(4)
    const { events } = await backend.read(log, { after: `${future}-8`, limit: 10 })
    expect(events.map((event) => event.prev)).toEqual([`${future}-8`, ...ids.slice(0, -1)])
  })
})

describe('a server that loses its data', () => {
  it('gets its scripts again after SCRIPT FLUSH', async () => {
    const backend = open()
    for (let i = 0; i < 5; i++) {
      const appending = numbers(20, i * 20).map((data) => backend.append(log, [data]))
      await server.admin.script('FLUSH')
      await Promise.all(appending)
    }
    expect(await stored(backend)).toEqual(numbers(100))
  })

  it('makes readers report a gap after FLUSHALL', async () => {
    const [reader, writer] = [open(), open()]
    const follower = await follow(reader, log)
    await writer.append(log, ['before'])
    await server.admin.flushall()
    const { ids } = await writer.append(log, ['after'])
    await follower.reached(ids[0] ?? '')
    expect(follower.events.map((event) => event.data)).toEqual(['before', 'after'])
    expect(follower.gaps).toHaveLength(1)
  })

  it('never has a log that matches an id of the lost one', async () => {
    const [reader, writer] = [open(), open()]
    const ids = new Set<string>()
    for (let life = 0; life < 10; life++) {
      const empty = await reader.read(log, { last: 1, limit: 1 })
      for (const after of [empty.lastEventId, ...(await writer.append(log, numbers(3))).ids]) {
        expect(ids.has(after)).toBe(false)
        ids.add(after)
      }
      await server.admin.flushall()
      for (const after of ids)
        expect((await reader.read(log, { after, limit: 1 })).lastEventId).not.toBe(after)
      await server.admin.flushall()
    }
  })

  // Found by the simulator: seed 1398.
  it('can be read if only its state was evicted and its clock was set back', async () => {
    const backend = open()
    const { ids } = await backend.append(log, ['0'])
    const last = ids[0] ?? ''
    const future = '9000000000000-0'
    await server.admin.xadd('trpc-sse:{log}:log', future, 'p', last, 'd', '1', 't', 't', 'n', 2)
    await server.admin.del('trpc-sse:{log}:last')
    const page = await backend.read(log, { after: '0-0', limit: 10 })
    expect(page.events.map(({ data }) => data)).toEqual(['0', '1'])
    const later = await backend.append(log, ['2'])
    const { events } = await backend.read(log, { after: page.lastEventId, limit: 10 })
    expect(events).toEqual([{ id: later.ids[0], prev: page.lastEventId, data: '2' }])
  })

  it('is used again after a crash and restart', async () => {
    const [reader, writer] = [open(), open()]
    const follower = await follow(reader, log)
    const { ids } = await writer.append(log, ['before'])
    await follower.reached(ids[0] ?? '')
    await server.kill()
    const appending = writer.append(log, ['after'])
    await server.restart()
    await follower.reached((await appending).ids[0] ?? '')
    expect(follower.gaps).toHaveLength(1)
    expect(follower.events.map((event) => event.data)).toEqual(['before', 'after'])
  })
})

describe('a server that refuses commands', () => {
  it.each([
    { name: 'a log of another type', set: ['set', 'trpc-sse:{log}:log', 'text'] },
    { name: 'a last id of another type', set: ['lpush', 'trpc-sse:{log}:last', 'text'] },
    { name: 'no memory', set: ['config', 'set', 'maxmemory', '1'] },
  ])('rejects a publish at once: $name', async ({ set: [command = '', ...args] }) => {
    const backend = open()
    await server.admin.call(command, ...args)
    await expect(backend.append(log, ['1'])).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/refused.*(WRONGTYPE|OOM)/),
      cause: expect.any(Error),
    })
  })

  it('stores no publish of a command if one idempotency key is of another type', async () => {
    const backend = open()
    await server.admin.lpush('trpc-sse:{log}:key:b', 'text')
    const first = backend.append(log, ['0'])
    const together = ['a', 'b', 'c'].map((key) =>
      backend.append(log, [key], { idempotencyKey: key }),
    )
    const outcomes = await Promise.allSettled([first, ...together])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ])
    expect(await stored(backend)).toEqual(['0'])
  })

  it('resolves a publish if only the notification is refused, and reports the reason to onError', async () => {
    await server.admin.call(
      'acl',
      'setuser',
      'mute',
      'on',
      '>secret',
      '~*',
      '+@all',
      'resetchannels',
    )
    const errors: unknown[] = []
    const url = `redis://mute:secret@127.0.0.1:${server.port}`
    const backend = redisBackend({ url }, { onError: (error) => errors.push(error) })
    backends.push(backend)
    expect(await backend.append(log, ['1'])).toMatchObject({ duplicate: false })
    expect(await stored(backend)).toEqual(['1'])
    expect(String(errors[0])).toMatch(
      /refused to notify subscribers.*(NOPERM|permission|channel)/is,
    )
  })

  it('gives the reason as the cause: a wrong password', async () => {
    await server.admin.config('SET', 'requirepass', 'secret')
    const backend = open({ commandTimeoutMs: 300 })
    await expect(backend.append(log, ['1'])).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      cause: expect.objectContaining({ message: expect.stringContaining('NOAUTH') }),
    })
  })

  it('yields foreign entries without a payload, and goes on', async () => {
    const backend = open()
    await backend.append(log, ['1'])
    await server.admin.xadd('trpc-sse:{log}:log', '*', 'their', 'field')
    await backend.append(log, ['2'])
    const { events } = await backend.read(log, { after: '0-0', limit: 10 })
    expect(events.map(({ data }) => data)).toEqual(['1', '', '2'])
    expect(events[1]?.prev).toBe('')
    expect(events[2]?.prev).toBe(events[0]?.id)
  })

  it('rejects a publish in time if it is down, and never stores it later', async () => {
    const backend = open({ commandTimeoutMs: 200 })
    await server.kill()
    const calls = [
      backend.append(log, ['1']),
      backend.append(log, ['2']),
      backend.read(log, { last: 1, limit: 1 }),
    ]
    const outcomes = await Promise.allSettled(calls)
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: { code: 'BACKEND_UNAVAILABLE' } })
    await server.restart()
    // A publish that timed out may have been stored, so it is repeated with a key.
    await expect
      .poll(() => backend.append(log, ['3'], { idempotencyKey: 'three' }), { timeout: 10_000 })
      .toHaveProperty('ids')
    expect(await stored(backend)).toEqual(['3'])
  })
})
