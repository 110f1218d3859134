import { createTRPCClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { createChannels, type StateEntry, stateChannel } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const entryCount = 10_000
const t = initTRPC.create()

async function setup() {
  const redis = await startRedis()
  onTestFinished(() => redis[Symbol.asyncDispose]())
  const channels = createChannels({
    backend: redisBackend({ url: redis.url }),
    channels: { members: stateChannel({ value: z.object({ name: z.string() }) }) },
  })
  const router = t.router({
    onMember: t.procedure.subscription((opts) => channels.members().live(opts)),
  })
  const server = await listen(createHTTPServer({ router, channels }))
  onTestFinished(async () => {
    await channels.close()
    await server[Symbol.asyncDispose]()
  })
  const all = range(1, entryCount).map((i) => [`member ${i}`, { name: `Name ${i}` }] as const)
  for (let i = 0; i < all.length; i += 1_000)
    await channels.members().setMany(all.slice(i, i + 1_000))
  return { redis, channels, router, url: server.url, all }
}

/** Returns the number of scripts that Redis has run. */
async function scripts({ admin }: RedisServer): Promise<number> {
  const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'))
  return Number(calls?.[1] ?? 0)
}

describe('a snapshot of 10,000 entries', () => {
  it('is read in pages, once for all clients that connect at the same time', async () => {
    const { redis, router, url, all } = await setup()
    const before = await scripts(redis)
    const snapshots = await Promise.all(
      range(1, 50).map(
        () =>
          new Promise<readonly StateEntry<{ name: string }>[]>((resolve, reject) => {
            const client = createTRPCClient<typeof router>({ links: [sseLink({ url })] })
            const subscription = client.onMember.subscribe(undefined, {
              onData: ({ data }) => resolve(data.type === 'snapshot' ? data.data : []),
              onError: reject,
            })
            onTestFinished(() => subscription.unsubscribe())
          }),
      ),
    )
    const expected = new Map(all)
    for (const entries of snapshots)
      expect(new Map(entries.map(({ key, value }) => [key, value]))).toEqual(expected)
    // About 40 pages of 256 entries, the hub's first page, and another snapshot for late readers.
    expect((await scripts(redis)) - before).toBeLessThan(3 * 50)
  })

  it('is exact while entries change continuously', async () => {
    const { channels, all } = await setup()
    let isOver = false
    let changes = 0
    const changing = (async () => {
      while (!isOver) {
        changes += 1
        // Each moves the same number from one entry to another.
        const [from, to] = [all[changes % 5_000], all[5_000 + (changes % 5_000)]]
        if (from === undefined || to === undefined) throw new Error('There is no such entry.')
        const [[key, name], [other, otherName]] = [from, to]
        await channels.members().setMany([
          [key, { name: `${name.name}+` }],
          [other, { name: `${otherName.name}+` }],
        ])
      }
    })()
    for (const _ of range(1, 5)) {
      const { entries, lastEventId } = await channels.members().entries()
      const plus = entries.map(([key, { name }]) => [key, name.endsWith('+')] as const)
      const marked = new Map(plus)
      expect(entries).toHaveLength(entryCount)
      // Both of a pair have changed, or none.
      const torn = all.slice(0, 5_000).filter(([key], i) => {
        return marked.get(key) !== marked.get(all[5_000 + i]?.[0] ?? '')
      })
      expect([lastEventId, torn]).toEqual([lastEventId, []])
    }
    isOver = true
    await changing
    expect(changes).toBeGreaterThan(10)
  })
})
