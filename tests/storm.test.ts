import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, subscriptionUrl } from './support/http.ts'
import { range } from './support/numbers.ts'
import { startRedis } from './support/redis.ts'
import { serveRouter } from './support/router-server.ts'

const missed = 100
const clients = 1_000
/** Clients of one wave are back before those of the next one come. */
const waves = 4

const t = initTRPC.create()

/** What one process has: its channels on the Redis that all share. */
function createProcess(url: string) {
  const channels = createChannels({
    backend: redisBackend({ url }),
    channels: { log: channel({ event: z.number() }) },
  })
  const router = t.router({ onEvent: t.procedure.subscription((opts) => channels.log().subscribe(opts)) })
  return { channels, router, log: channels.log() }
}

/** How many scripts Redis has run. */
async function scriptsRun(admin: Redis): Promise<number> {
  const info = await admin.info('commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
}

describe('clients that all come back after a deploy', () => {
  it(`get what they missed by at most 5 reads of Redis: ${clients}, each ${missed} events behind`, async () => {
    await using redis = await startRedis()
    const before = createProcess(redis.url)
    const { id } = await before.log.publish(0)
    await before.log.publishMany(range(1, missed))
    await before.channels.close()

    const after = createProcess(redis.url)
    await using server = await serveRouter(after.router, {
      channels: after.channels,
      limits: { connectionsPerKey: clients },
    })
    const url = subscriptionUrl(server.url, 'onEvent', { lastEventId: id })
    const scripts = await scriptsRun(redis.admin)
    async function comeBack(): Promise<number[]> {
      using stream = await openRaw(url)
      const messages = await stream.nextMany(1 + missed)
      return messages.flatMap(({ event, data }) => (event === 'message' ? [JSON.parse(data)] : []))
    }
    for (let wave = 0; wave < waves; wave++) {
      const runs = await Promise.all(Array.from({ length: clients / waves }, comeBack))
      for (const numbers of runs) expect(numbers).toEqual(range(1, missed))
    }
    expect((await scriptsRun(redis.admin)) - scripts).toBeLessThanOrEqual(5)
    await after.channels.close()
  })
})
