import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createTRPCClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { type SseGap, sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import {
  type Backend,
  type Clock,
  channel,
  createChannels,
  memoryBackend,
  systemClock,
} from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openDoor } from './support/door.ts'
import { type RedisServer, startRedis } from './support/redis.ts'

/** An app with one channel of numbers, behind a door, and a client that follows it. */
async function startApp(
  backend: Backend,
  { forMs = 60_000, clock = systemClock }: { forMs?: number; clock?: Clock } = {},
) {
  const onError = vi.fn()
  const channels = createChannels({
    backend,
    clock,
    onError,
    positionCheckMs: 1_000,
    channels: { numbers: channel({ event: z.number(), retain: { events: 10, forMs } }) },
  })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const server = createHTTPServer({ router, channels, retryMs: 10 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const door = await openDoor([port])
  const gaps: SseGap[] = []
  const seen: Array<number | 'gap'> = []
  const client = createTRPCClient<typeof router>({
    links: [
      sseLink({
        url: door.url,
        retry: { baseMs: 20, maxMs: 100 },
        onGap(gap) {
          gaps.push(gap)
          seen.push('gap')
        },
      }),
    ],
  })
  const states: string[] = []
  const ids: string[] = []
  const subscription = client.onNumber.subscribe(undefined, {
    onData({ id, data }) {
      ids.push(id)
      seen.push(data)
    },
    onConnectionStateChange: ({ state }) => states.push(state),
  })
  const until = (check: () => void): Promise<void> =>
    vi.waitFor(check, { timeout: 15_000, interval: 5 })
  await until(() => expect(states.at(-1)).toBe('pending'))
  return {
    numbers: channels.numbers(),
    gaps,
    seen,
    ids,
    onError,
    until,
    publish: (from: number, to: number) =>
      channels.numbers().publishMany(Array.from({ length: to - from + 1 }, (_, i) => from + i)),
    /** Disconnects the client, until `comeBack`. */
    async goAway() {
      door.setPorts([])
      door.cut()
      await until(() => expect(states.at(-1)).toBe('connecting'))
    },
    async comeBack() {
      door.setPorts([port])
      await until(() => expect(states.at(-1)).toBe('pending'))
    },
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe()
      await door[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await channels.close()
    },
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe.each(['memory', 'redis'])('a client that reconnects (%s)', (kind) => {
  async function start(options?: Parameters<typeof startApp>[1]) {
    const redis = kind === 'redis' ? await startRedis() : undefined
    const app = await startApp(redis ? redisBackend({ url: redis.url }) : memoryBackend(), options)
    const dispose = async (): Promise<void> => {
      await app[Symbol.asyncDispose]()
      await redis?.[Symbol.asyncDispose]()
    }
    return { app, redis, [Symbol.asyncDispose]: dispose }
  }

  it('gets all events that it missed, and no gap, while they are retained', async () => {
    await using s = await start()
    await s.app.publish(1, 3)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3]))
    await s.app.goAway()
    await s.app.publish(4, 12)
    await s.app.comeBack()
    await s.app.until(() => expect(s.app.seen).toEqual(range(1, 12)))
    expect(s.app.gaps).toEqual([])
  })

  it('gets all events that it missed, even if it had no event before', async () => {
    await using s = await start()
    await s.app.goAway()
    await s.app.publish(1, 5)
    await s.app.comeBack()
    await s.app.until(() => expect(s.app.seen).toEqual(range(1, 5)))
    expect(s.app.gaps).toEqual([])
  })

  it('gets exactly one gap where the log was trimmed past its position, then the retained events', async () => {
    await using s = await start()
    await s.app.publish(1, 3)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3]))
    await s.app.goAway()
    await s.app.publish(4, 40)
    await s.app.comeBack()
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3, 'gap', ...range(31, 40)]))
    expect(s.app.gaps).toEqual([
      { path: 'onNumber', input: undefined, lastEventId: s.app.ids[2], reason: 'trimmed' },
    ])
    // Another reconnect repeats neither the gap nor an event.
    await s.app.goAway()
    await s.app.comeBack()
    await s.app.publish(41, 41)
    await s.app.until(() => expect(s.app.seen.at(-1)).toBe(41))
    expect(s.app.gaps).toHaveLength(1)
    expect(s.app.seen).toHaveLength(3 + 1 + 10 + 1)
  })

  it('gets no gap when the log has expired but nothing was missed', async () => {
    await using s = await start({ forMs: 300 })
    await s.app.publish(1, 3)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3]))
    await s.app.goAway()
    await vi.waitFor(
      async () => expect((await s.app.numbers.history({ last: 5 })).events).toEqual([]),
      {
        timeout: 5_000,
      },
    )
    await s.app.comeBack()
    await s.app.publish(4, 4)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3, 4]))
    expect(s.app.gaps).toEqual([])
  })

  it('gets one gap when the events that it missed have expired, then new events', async () => {
    await using s = await start({ forMs: 300 })
    await s.app.publish(1, 1)
    await s.app.until(() => expect(s.app.seen).toEqual([1]))
    await s.app.goAway()
    await s.app.publish(2, 3)
    await vi.waitFor(
      async () => expect((await s.app.numbers.history({ last: 5 })).events).toEqual([]),
      {
        timeout: 5_000,
      },
    )
    await s.app.comeBack()
    await s.app.until(() => expect(s.app.seen).toEqual([1, 'gap']))
    await s.app.publish(4, 4)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 'gap', 4]))
  })
})

describe('a client that follows while Redis fails', () => {
  async function start() {
    const redis: RedisServer = await startRedis()
    const app = await startApp(redisBackend({ url: redis.url }, { commandTimeoutMs: 500 }))
    const dispose = async (): Promise<void> => {
      await app[Symbol.asyncDispose]()
      await redis[Symbol.asyncDispose]()
    }
    return { app, redis, [Symbol.asyncDispose]: dispose }
  }

  it('gets one gap when Redis is emptied, then new events', async () => {
    await using s = await start()
    await s.app.publish(1, 3)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3]))
    await s.redis.admin.flushall()
    await s.app.publish(4, 5)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3, 'gap', 4, 5]))
  })

  it('waits while Redis is frozen and publishes are rejected in time, then gets all events', async () => {
    await using s = await start()
    await s.app.publish(1, 2)
    s.redis.freeze()
    await expect(s.app.publish(3, 3)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    s.redis.thaw()
    await s.app.publish(10, 12)
    await s.app.until(() => expect(s.app.seen.slice(-3)).toEqual([10, 11, 12]))
    // The caller can't know whether the rejected publish was stored. The client sees what the log
    // has.
    expect(s.app.seen.filter((item) => item !== 3)).toEqual([1, 2, 10, 11, 12])
  })

  it('continues with one gap after a crash of Redis that lost everything', async () => {
    await using s = await start()
    await s.app.publish(1, 3)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3]))
    await s.redis.kill()
    await expect(s.app.publish(4, 4)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await s.app.until(() => expect(s.app.onError).toHaveBeenCalled())
    expect(s.app.onError.mock.calls[0]).toMatchObject([
      { code: 'BACKEND_UNAVAILABLE' },
      { stage: 'read' },
    ])
    await s.redis.restart()
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3, 'gap']))
    await s.app.publish(5, 6)
    await s.app.until(() => expect(s.app.seen).toEqual([1, 2, 3, 'gap', 5, 6]))
  })

  it('waits for a Redis that has not started yet', async () => {
    const redis = await startRedis()
    await redis.kill()
    const starting = startApp(redisBackend({ url: redis.url }, { commandTimeoutMs: 200 }))
    await expect(
      createChannels({
        backend: redisBackend({ url: redis.url }, { commandTimeoutMs: 200 }),
        channels: { numbers: channel({ event: z.number() }) },
      })
        .numbers()
        .publish(1),
    ).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await redis.restart()
    await using app = await starting
    await app.publish(1, 2)
    await app.until(() => expect(app.seen).toEqual([1, 2]))
    expect(app.gaps).toEqual([])
    await app[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })
})
