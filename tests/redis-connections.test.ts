import { redisBackend } from '@trpc-sse/redis'
import type { ChannelLog } from '@trpc-sse/server'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from './support/redis.ts'

const log: ChannelLog = { key: 'log', retain: { events: 100, forMs: 600_000 } }
const silent = { onEvent() {}, onInterrupted() {} }

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(() => server.admin.flushall())

/** Counts the connections of a type: `normal`, without the test's own, or `pubsub`. */
async function connections(type: 'normal' | 'pubsub'): Promise<number> {
  const list = String(await server.admin.call('client', 'list', 'type', type))
  const count = list.split('\n').filter((line) => line.includes('id=')).length
  return type === 'normal' ? count - 1 : count
}

describe('connections of redisBackend', () => {
  it('are opened by the first call', async () => {
    const backend = redisBackend({ url: server.url })
    await server.admin.ping()
    expect(await connections('normal')).toBe(0)
    await backend.close()
  })

  it('are one in a process that only publishes and reads', async () => {
    const backend = redisBackend({ url: server.url })
    const logs = Array.from({ length: 50 }, (_, i) => ({ ...log, key: `log ${i}` }))
    await Promise.all(logs.map((each) => backend.append(each, ['1'])))
    await Promise.all(logs.map((each) => backend.read(each, { last: 1, limit: 1 })))
    expect(await connections('normal')).toBe(1)
    expect(await connections('pubsub')).toBe(0)
    await backend.close()
  })

  it('are one for all listeners', async () => {
    const backend = redisBackend({ url: server.url })
    const logs = Array.from({ length: 2_500 }, (_, i) => ({ ...log, key: `log ${i}` }))
    await Promise.all(logs.map((each) => backend.listen(each, silent)))
    expect(await connections('normal')).toBe(0)
    expect(await connections('pubsub')).toBe(1)
    await backend.close()
  })

  it('are closed by close(), except for the client that was passed in', async () => {
    const redis = new Redis(server.port, '127.0.0.1')
    const backend = redisBackend({ redis })
    await backend.listen(log, silent)
    await backend.append(log, ['1'])
    expect(await connections('normal')).toBe(2)
    await backend.close()
    await expect.poll(() => connections('pubsub'), { interval: 5, timeout: 10_000 }).toBe(0)
    await expect.poll(() => connections('normal'), { interval: 5, timeout: 10_000 }).toBe(1)
    expect(redis.status).toBe('ready')
    expect(await redis.ping()).toBe('PONG')
    redis.disconnect()
  })

  it('unsubscribe from a log when its last listener leaves', async () => {
    const backend = redisBackend({ url: server.url })
    const stay = await backend.listen(log, silent)
    const leave = await backend.listen(log, silent)
    await leave()
    expect(await server.admin.pubsub('CHANNELS')).toHaveLength(1)
    await stay()
    await expect
      .poll(() => server.admin.pubsub('CHANNELS'), { interval: 5, timeout: 10_000 })
      .toEqual([])
    await backend.close()
  })
})

describe('keys and channels of redisBackend', () => {
  it('are separate for each prefix and each database', async () => {
    const backends = [
      redisBackend({ url: server.url }),
      redisBackend({ url: server.url }, { prefix: 'other' }),
      redisBackend({ url: `${server.url}/3` }),
    ]
    const heard = backends.map((): string[] => [])
    for (const [i, backend] of backends.entries()) {
      await backend.listen(log, { ...silent, onEvent: ({ data }) => void heard[i]?.push(data) })
    }
    for (const [i, backend] of backends.entries()) await backend.append(log, [`${i}`])
    for (const [i, backend] of backends.entries()) {
      const { events } = await backend.read(log, { last: 10, limit: 10 })
      expect(events.map((event) => event.data)).toEqual([`${i}`])
      await expect.poll(() => heard[i], { interval: 5, timeout: 10_000 }).toEqual([`${i}`])
    }
    await Promise.all(backends.map((backend) => backend.close()))
  })

  it('have the documented names, with one hash tag', async () => {
    const backend = redisBackend({ url: server.url })
    await backend.append({ ...log, key: 'chat:{room}' }, ['1'], { idempotencyKey: 'a b' })
    const names = await server.admin.keys('*')
    expect(names.sort()).toEqual([
      'trpc-sse:{chat%3A%7Broom%7D}:key:a%20b',
      'trpc-sse:{chat%3A%7Broom%7D}:last',
      'trpc-sse:{chat%3A%7Broom%7D}:log',
    ])
    await backend.close()
  })

  it('ignore the key prefix of a client', async () => {
    const redis = new Redis({ port: server.port, host: '127.0.0.1', keyPrefix: 'app:' })
    const backend = redisBackend({ redis })
    await backend.append(log, ['1'])
    expect((await server.admin.keys('*')).sort()).toEqual([
      'trpc-sse:{log}:last',
      'trpc-sse:{log}:log',
    ])
    await backend.close()
    redis.disconnect()
  })

  it('of a log without events expire ten minutes after the last read', async () => {
    const backend = redisBackend({ url: server.url })
    const read = async () => (await backend.read(log, { last: 1, limit: 1 })).lastEventId
    const lifetime = () => server.admin.pttl('trpc-sse:{log}:last')
    const origin = await read()
    expect(await lifetime()).toSatisfy((ms) => ms > 590_000 && ms <= 600_000)
    await server.admin.pexpire('trpc-sse:{log}:last', 1_000)
    expect(await read()).toBe(origin)
    expect(await lifetime()).toBeGreaterThan(590_000)
    await backend.append(log, ['1'])
    expect(await lifetime()).toBeGreaterThan(600_000)
    await backend.clear(log)
    expect(await server.admin.keys('*')).toEqual(['trpc-sse:{log}:last'])
    expect(await lifetime()).toBeLessThanOrEqual(600_000)
    await backend.close()
  })

  it('all expire: the events after their retention, the last id 30 days later', async () => {
    const backend = redisBackend({ url: server.url })
    const day = 86_400_000
    await backend.append(log, ['1'])
    expect(await server.admin.pttl('trpc-sse:{log}:log')).toBeLessThanOrEqual(600_000)
    expect(await server.admin.pttl('trpc-sse:{log}:log')).toBeGreaterThan(590_000)
    expect(await server.admin.pttl('trpc-sse:{log}:last')).toBeGreaterThan(30 * day)
    await server.admin.pexpire('trpc-sse:{log}:last', 1_000)
    await backend.read(log, { last: 1, limit: 1 })
    expect(await server.admin.pttl('trpc-sse:{log}:last')).toBeGreaterThan(30 * day)
    await backend.close()
  })

  it('can’t have a prefix with braces', () => {
    expect(() => redisBackend({ url: server.url }, { prefix: 'app{1}' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})
