import { setTimeout } from 'node:timers/promises'
import { redisBackend } from '@trpc-sse/redis'
import { createChannels, run } from '@trpc-sse/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis, untilInSync } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { type App, createApp } from './app.ts'
import { endless } from './endless.ts'
import { followByLoop } from './followers.ts'

let redis: RedisServer
let app: App
beforeEach(async () => {
  redis = await startRedis()
  app = createApp(redis.url)
})
afterEach(async () => {
  await app.channels.close()
  await redis[Symbol.asyncDispose]()
})

describe('when Redis loses all of its data', () => {
  it('a run in progress is abandoned, and all of its followers get an error', async () => {
    const answer = app.channels.answer({ id: 'a' })
    const followers = range(1, 3).map(() => followByLoop(app, 'a'))
    const producing = answer.produce(endless)
    await Promise.all(followers.map((follower) => follower.received(5)))
    await redis.admin.flushall()
    expect(await producing).toEqual({ status: 'abandoned' })
    for (const { outcome } of followers)
      expect(await outcome).toMatchObject({ end: 'PRECONDITION_FAILED' })
    expect((await answer.status()).status).toBe('none')
  })

  it('followers of a run that has not begun keep waiting', async () => {
    const follower = followByLoop(app, 'a')
    await follower.received(1)
    await redis.admin.flushall()
    await setTimeout(0)
    const result = await app.channels.answer({ id: 'a' }).produce(async function* () {
      yield 'all'
    })
    expect(result).toEqual({ status: 'completed' })
    expect(await follower.outcome).toEqual({ text: 'all', end: 'completed' })
  })
})

describe('when Redis evicts a key of a run,', () => {
  async function keysOf(): Promise<string[]> {
    return (await redis.admin.keys('*')).sort()
  }

  it('whichever it is, followers that join get the whole value or an error', async () => {
    const ended = app.channels.answer({ id: 'ended' })
    const text = range(1, 3_000).join(' ')
    await ended.produce(async function* () {
      for (const n of range(1, 3_000)) {
        yield n === 1 ? '1' : ` ${n}`
        if (n % 300 === 0) await setTimeout(50)
      }
    })
    const keys = await keysOf()
    expect(keys.length).toBeGreaterThan(3)
    for (const key of keys) {
      const dump = await redis.admin.dumpBuffer(key)
      await redis.admin.del(key)
      // Read it in another process, because this one caches values for a moment.
      const other = createApp(redis.url)
      const { text: seen, end } = await followByLoop(other, 'ended').outcome
      expect([`completed ${text}`, 'PRECONDITION_FAILED '], key).toContain(`${end} ${seen}`)
      await other.channels.close()
      if (dump) await redis.admin.restore(key, 60_000, dump, 'REPLACE')
    }
  })
})

describe('when a replica takes over that lacks the newest deltas', () => {
  it('nothing follows the hole: the run is abandoned, and all followers have the same text', async () => {
    await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${redis.port}`] })
    await expect.poll(() => replica.admin.info('replication')).toContain('master_link_status:up')
    await using proxy = await startTcpProxy(redis.port)
    const through = createApp(`redis://127.0.0.1:${proxy.port}`)
    const follower = followByLoop(through, 'a')
    const producing = through.channels.answer({ id: 'a' }).produce(async function* () {
      for (const n of range(0, 300)) {
        yield `${n} `
        await setTimeout(10)
      }
    })
    await follower.received(5)
    await untilInSync(replica, redis)
    await replica.admin.replicaof('NO', 'ONE')
    const behind = follower.text()
    await expect.poll(() => follower.text().length).toBeGreaterThan(behind.length + 10)
    await redis.kill()
    proxy.target = replica.port
    expect((await producing).status).toBe('abandoned')
    const outcome = await follower.outcome
    expect(outcome.end).toBe('CONFLICT')
    expect(await followByLoop(through, 'a').outcome).toEqual(outcome)
    const words = outcome.text.trim().split(' ').map(Number)
    expect(words).toEqual(range(0, words.length - 1))
    await through.channels.close()
  })
})

describe('when Redis is full', () => {
  it('runs can still be read and followed, and one in progress fails', async () => {
    const source = async function* () {
      yield 'all'
    }
    await app.channels.answer({ id: 'ended' }).produce(source)
    const follower = followByLoop(app, 'a')
    const producing = app.channels.answer({ id: 'a' }).produce(endless)
    await follower.received(3)
    await redis.admin.config('SET', 'maxmemory', '1')
    const other = createApp(redis.url)
    expect(await other.channels.answer({ id: 'ended' }).status()).toEqual({
      status: 'completed',
      value: 'all',
    })
    expect(await followByLoop(other, 'ended').outcome).toEqual({ text: 'all', end: 'completed' })
    expect(await producing).toMatchObject({
      status: 'failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('OOM') },
    })
    expect((await follower.outcome).end).toBe('UNPROCESSABLE_CONTENT')
    expect((await other.channels.answer({ id: 'a' }).status()).value).toBe(follower.text())
    await other.channels.close()
  })
})

describe('when Redis refuses a command in the middle of a step', () => {
  it.each(['zadd', 'zrem', 'hset', 'hdel', 'set', 'pexpire', 'xadd', 'hlen'])(
    'the run is not running for ever: %s',
    async (command) => {
      const rules = ['on', '>secret', '~*', '&*', '+@all', `-${command}`]
      await redis.admin.call('ACL', 'SETUSER', 'limited', 'reset', ...rules)
      const other = createApp(redis.url.replace('redis://', 'redis://limited:secret@'))
      const producing = other.channels.answer({ id: 'a' }).produce(endless)
      const [result] = await Promise.allSettled([producing])
      expect(result).not.toMatchObject({ value: { status: 'completed' } })
      await expect
        .poll(async () => (await app.channels.answer({ id: 'a' }).status()).status)
        .toMatch(/none|failed|abandoned/)
      await other.channels.close()
    },
  )
})

describe('when Redis hangs', () => {
  it('the run fails with a reason and bounded memory, and its followers see it abandoned', async () => {
    const channels = createChannels({
      backend: redisBackend({ url: redis.url }, { commandTimeoutMs: 500, onError() {} }),
      channels: {
        answer: run({
          params: z.object({ id: z.string() }),
          event: z.string(),
          leaseMs: 1_000,
          maxBufferedBytes: 1_000_000,
        }),
      },
      onError() {},
    })
    const follower = followByLoop(app, 'a')
    let yielded = 0
    const result = await channels.answer({ id: 'a' }).produce(async function* ({ signal }) {
      yield 'before'
      await follower.received(2)
      redis.freeze()
      while (!signal.aborted) {
        yield 'x'.repeat(10_000)
        yielded += 1
        await setTimeout(0)
      }
    })
    expect(result).toEqual({
      status: 'abandoned',
      error: expect.objectContaining({ code: 'BACKEND_UNAVAILABLE' }),
    })
    expect(yielded).toBeLessThan(140)
    redis.thaw()
    expect((await follower.outcome).end).toBe('CONFLICT')
    await channels.close()
  })
})

describe('runs that never begin', () => {
  it.each(['answer', 'job'] as const)('end for their followers on Redis: %s', async (kind) => {
    const run = app.channels[kind]({ id: 'a' })
    const waiting = [0, 50, 500].map(async (waitForStartMs) => {
      const items: unknown[] = []
      const error: unknown = await (async () => {
        for await (const [, item] of run.follow({ waitForStartMs })) items.push(item)
      })().catch((reason: unknown) => reason)
      return { last: items.at(-1), error }
    })
    for (const { last, error } of await Promise.all(waiting)) {
      expect(last).toEqual({ type: 'end', status: 'none' })
      expect(error).toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it('are waited for again after an outage of Redis at the end of the wait', async () => {
    await using proxy = await startTcpProxy(redis.port)
    const options = { commandTimeoutMs: 200, onError() {} }
    const channels = createChannels({
      backend: redisBackend({ url: `redis://127.0.0.1:${proxy.port}` }, options),
      channels: { job: run({ params: z.string(), event: z.string() }) },
      onError() {},
    })
    const items = channels.job('a').follow({ waitForStartMs: 1_000 })[Symbol.asyncIterator]()
    expect((await items.next()).value?.[1]).toEqual({ type: 'caught-up' })
    proxy.refusing = true
    proxy.cut()
    // Clients retry this error.
    await expect(items.next()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    proxy.refusing = false
    const status = (): Promise<unknown> =>
      channels
        .job('a')
        .status()
        .catch(() => undefined)
    await expect.poll(status).toMatchObject({ status: 'none' })
    const again = channels.job('a').follow({ waitForStartMs: 60_000 })[Symbol.asyncIterator]()
    const next = again.next().then(() => again.next())
    await channels.job('a').produce(async function* () {
      yield 'all'
    })
    expect((await next).value?.[1]).toEqual({ type: 'delta', data: 'all' })
    await again.return?.()
    await channels.close()
  })

  it('are forgotten ten minutes after the last request about them', async () => {
    await app.channels.answer({ id: 'a' }).status()
    await app.channels.job({ id: 'b' }).status()
    const leaving = new AbortController()
    const following = app.channels.answer({ id: 'c' }).follow({ signal: leaving.signal })
    await following[Symbol.asyncIterator]().next()
    leaving.abort()
    for (const key of await redis.admin.keys('*')) {
      const ms = await redis.admin.pttl(key)
      expect(ms, key).toBeGreaterThan(0)
      expect(ms, key).toBeLessThanOrEqual(600_000)
    }
  })
})
