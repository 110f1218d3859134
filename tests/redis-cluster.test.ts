import { redisBackend } from '@trpc-sse/redis'
import type { ChannelLog } from '@trpc-sse/server'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { createRedisContext, testCases } from './support/redis-cases.ts'
import { type RedisCluster, startRedisCluster } from './support/redis-cluster.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

const log: ChannelLog = { key: 'log', retain: { events: 10_000, forMs: 600_000 } }

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

describe('redisBackend on a Redis Cluster', () => {
  testCases(() => createRedisContext(cluster.nodes, { redis: cluster.client }))
})

describe('redisBackend on a Redis Cluster, under attack', () => {
  beforeEach(async () => {
    for (const { admin } of cluster.nodes) await admin.flushall()
  })

  it('stores a publish once, though its answer is lost', async () => {
    await using proxies = new AsyncDisposableStack()
    const natMap: Record<string, { host: string; port: number }> = {}
    const losing: (() => Promise<void>)[] = []
    for (const { port } of cluster.nodes) {
      const proxy = proxies.use(await startTcpProxy(port))
      natMap[`127.0.0.1:${port}`] = { host: '127.0.0.1', port: proxy.port }
      losing.push(proxy.loseNextAnswer)
    }
    const redis = new Cluster(Object.values(natMap), { natMap })
    const backend = redisBackend({ redis })
    await backend.append(log, ['0'])
    const lost = losing.map((lose) => lose())
    const { duplicate } = await backend.append(log, ['1'])
    await Promise.race(lost)
    expect(duplicate).toBe(false)
    const { events } = await backend.read(log, { after: '0-0', limit: 10 })
    expect(events.map((event) => event.data)).toEqual(['0', '1'])
    await backend.close()
    redis.disconnect()
  })

  it('follows logs to another node while they are written to', async () => {
    const backend = redisBackend({ redis: cluster.client })
    const follower = await follow(backend, log)
    const ids = [...(await backend.append(log, ['first'])).ids]
    const slot = Number(await cluster.client.cluster('KEYSLOT', '{log}'))
    for (let round = 0; round < 3; round++) {
      const writing = Array.from({ length: 100 }, (_, i) => backend.append(log, [`${round * 100 + i}`]))
      await cluster.moveSlot(slot)
      for (const { ids: stored } of await Promise.all(writing)) ids.push(...stored)
      await follower.reached(ids.at(-1) ?? '')
    }
    expect(follower.gaps).toEqual([])
    expect(follower.events.map((event) => event.id)).toEqual(ids)
    await backend.close()
  })
})
