import { createTRPCClient, httpLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { startChildServer } from '../support/child-server.ts'
import { openDoor } from '../support/door.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type NumbersRouter, numberChannels } from './router.ts'

const total = 10_000
const cuts = 50
const server = new URL('./server.ts', import.meta.url)

interface Got {
  readonly id: string
  readonly publisher: string
  readonly n: number
}

/** Follows the numbers until `count` have arrived; calls `onCount` with each one. */
async function follow(url: string, count: number, onCount: (count: number) => void) {
  const got: Got[] = []
  const gaps: unknown[] = []
  const client = createTRPCClient<NumbersRouter>({
    links: [
      sseLink({
        url,
        transformer: superjson,
        retry: { baseMs: 20 },
        onGap: (gap) => gaps.push(gap),
      }),
    ],
  })
  await new Promise<void>((resolve, reject) => {
    const subscription = client.onNumber.subscribe(undefined, {
      onData({ id, data }) {
        got.push({ id, publisher: data.publisher, n: data.n })
        onCount(got.length)
        if (got.length < count) return
        subscription.unsubscribe()
        resolve()
      },
      onError: reject,
    })
  })
  return { got, gaps }
}

/** Kills the subscriber connections. If there is none, waits for one. */
async function killSubscriber({ admin }: RedisServer): Promise<void> {
  let killed: unknown = 0
  while (killed === 0) killed = await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

describe('10,000 events from three publishers in two processes over one Redis', () => {
  it('reach a client whose socket is cut 50 times exactly once and in order', async () => {
    await using redis = await startRedis()
    await using one = await startChildServer(server, { REDIS_URL: redis.url })
    await using two = await startChildServer(server, { REDIS_URL: redis.url })
    await using door = await openDoor([one.port, two.port])
    const publish = (port: number, publisher: string, from: number, to: number) =>
      createTRPCClient<NumbersRouter>({
        links: [httpLink({ url: `http://127.0.0.1:${port}`, transformer: superjson })],
      }).publish.mutate({ publisher, from, to })

    let onCount = (_count: number): void => {}
    let received = 0
    const following = follow(door.url, total, (count) => {
      received = count
      onCount(count)
    })
    // Each round cuts the socket once, while its events arrive.
    for (let round = 0; round < cuts; round++) {
      const cut = new Promise<void>((resolve) => {
        const cutAt = received + 20
        onCount = (count) => {
          if (count !== cutAt) return
          setImmediate(() => resolve(void door.cut()))
        }
      })
      const share = (count: number): [number, number] => [round * count + 1, (round + 1) * count]
      await Promise.all([
        publish(one.port, 'a', ...share(67)),
        publish(one.port, 'b', ...share(67)),
        publish(two.port, 'c', ...share(66)),
        cut,
      ])
    }
    const { got, gaps } = await following

    const channels = numberChannels(redis.url)
    const { events } = await channels.numbers().history({ last: total })
    await channels.close()
    expect(got.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
    for (const [publisher, count] of Object.entries({ a: 3_350, b: 3_350, c: 3_300 })) {
      const numbers = got.filter((event) => event.publisher === publisher).map(({ n }) => n)
      expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    }
    expect(gaps).toEqual([])
    // No reconnect follows a cut right after the last event.
    expect(door.taken).toBeGreaterThanOrEqual(cuts)
  })

  it('reach a client exactly once while the subscriber connections are killed 20 times', async () => {
    const total = 4_000
    await using redis = await startRedis()
    await using one = await startChildServer(server, { REDIS_URL: redis.url })
    const kills: Array<Promise<void>> = []
    const following = follow(`http://127.0.0.1:${one.port}`, total, (count) => {
      if (count >= (kills.length + 1) * 180 && kills.length < 20) kills.push(killSubscriber(redis))
    })
    const channels = numberChannels(redis.url)
    for (let n = 1; n <= total; n++) {
      await channels.numbers().publish({ publisher: 'a', n, at: new Date() })
    }
    const { got, gaps } = await following
    await Promise.all(kills)
    await channels.close()
    expect(got.map(({ n }) => n)).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    expect(gaps).toEqual([])
    expect(kills).toHaveLength(20)
  })

  it('reach a client exactly once while its server is killed and replaced', async () => {
    await using redis = await startRedis()
    await using one = await startChildServer(server, { REDIS_URL: redis.url })
    await using door = await openDoor([one.port])
    const channels = numberChannels(redis.url)
    let killed = false
    const following = follow(door.url, 2_000, (count) => {
      if (count < 500 || killed) return
      killed = true
      void one.kill()
    })
    for (let n = 1; n <= 1_000; n++)
      await channels.numbers().publish({ publisher: 'a', n, at: new Date() })
    await using two = await startChildServer(server, { REDIS_URL: redis.url })
    door.setPorts([two.port])
    for (let n = 1_001; n <= 2_000; n++)
      await channels.numbers().publish({ publisher: 'a', n, at: new Date() })
    const { got, gaps } = await following
    await channels.close()
    expect(got.map(({ n }) => n)).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1))
    expect(gaps).toEqual([])
    expect(killed).toBe(true)
  })
})
