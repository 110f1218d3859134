import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { createApp } from './app.ts'

async function setup() {
  const redis = await startRedis()
  onTestFinished(() => redis[Symbol.asyncDispose]())
  const presences = [1, 2].map(() => {
    const { channels } = createApp(redis.url)
    onTestFinished(() => channels.close())
    return channels.room('lobby').presence
  })
  const { signal } = new AbortController()
  const join = (i: number) =>
    presences[i % 2]?.hold({ signal }, { key: `user ${i}`, value: { name: `User ${i}` } })
  return { redis, presences, join }
}

/** How many scripts Redis has run since the statistics were reset. */
async function scripts({ admin }: RedisServer): Promise<number> {
  const stats = await admin.info('commandstats')
  const calls = stats.matchAll(/cmdstat_(?:evalsha|eval):calls=(\d+)/g)
  return Array.from(calls).reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('what presence costs', () => {
  it('1,000 members who join within a second are few scripts, and 1,000 events for a reader', async () => {
    const { redis, presences, join } = await setup()
    const joined: string[] = []
    const reading = (async () => {
      for await (const [, item] of presences[0]?.live() ?? []) {
        if (item.type === 'event') joined.push(item.data.key)
        if (joined.length === 1_000) return
      }
    })()
    await join(0)
    await redis.admin.config('RESETSTAT')
    for (const i of range(1, 1_000)) {
      void join(i)
      if (i % 10 === 0) await setTimeout(10)
    }
    await reading
    expect(new Set(joined).size).toBe(1_000)
    // A batch for each of two instances every 20 ms, each once more if others changed its entries.
    expect(await scripts(redis)).toBeLessThan(300)
  })

  it('heartbeats are those of instances: 10,000 members cost no more than two', async () => {
    const { redis, presences, join } = await setup()
    await Promise.all(range(1, 10_000).map(join))
    expect((await presences[0]?.entries())?.entries).toHaveLength(10_000)
    await redis.admin.config('RESETSTAT')
    await setTimeout(5_000)
    // Two for each heartbeat of an instance, which come every 1.5 to 2.5 seconds.
    expect(await scripts(redis)).toBeLessThanOrEqual(2 * 2 * 4)
  })
})
