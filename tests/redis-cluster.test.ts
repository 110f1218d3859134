import { redisBackend } from '@trpc-sse/redis'
import type { Backend, ChannelLog } from '@trpc-sse/server'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { type RedisServer, untilInSync } from './support/redis.ts'
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

describe('redisBackend on a Redis Cluster with faults', () => {
  beforeEach(async () => {
    for (const { admin } of cluster.nodes) await admin.flushall()
  })

  it('stores a publish once when its reply is lost', async () => {
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

  it('leaves no rejection unhandled when a node dies that a slot is moving to', async () => {
    const rejections: unknown[] = []
    const onRejection = (reason: unknown): void => void rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    await using own = await startRedisCluster()
    const slot = Number(await own.client.cluster('KEYSLOT', '{log}'))
    const source = Math.floor((slot * 3) / 16_384)
    const [from, to] = [own.nodes[source], own.nodes[(source + 1) % 3]]
    if (!from || !to) throw new Error('A node is missing.')
    const backend = redisBackend({ redis: own.client }, { onError() {}, commandTimeoutMs: 30_000 })
    // It finds the nodes now, while none is frozen. Another log leaves the slot without keys.
    await backend.read({ ...log, key: 'other' }, { after: '0-0', limit: 1 })
    const setSlot = (node: RedisServer, ...state: unknown[]): Promise<unknown> =>
      node.admin.call('cluster', 'setslot', slot, ...state.map(String))
    await setSlot(to, 'importing', await from.admin.cluster('MYID'))
    await setSlot(from, 'migrating', await to.admin.cluster('MYID'))
    to.freeze()
    // The slot has no keys, so that its node sends every command to the other one.
    const appending = backend.append(log, ['1'])
    await expect
      .poll(() => from.admin.info('errorstats'), { interval: 5, timeout: 10_000 })
      .toContain('errorstat_ASK')
    await to.restart()
    await setSlot(from, 'stable')
    await appending
    process.off('unhandledRejection', onRejection)
    expect(rejections).toEqual([])
    await backend.close()
  })

  it('follows a log whose slot moves to another node during publishes', async () => {
    const backend = redisBackend({ redis: cluster.client })
    const follower = await follow(backend, log)
    const ids = [...(await backend.append(log, ['first'])).ids]
    const slot = Number(await cluster.client.cluster('KEYSLOT', '{log}'))
    for (let round = 0; round < 3; round++) {
      const writing = Array.from({ length: 100 }, (_, i) => {
        const payload = `${round * 100 + i}`
        return backend.append(log, [payload], i % 3 === 0 ? { idempotencyKey: payload } : {})
      })
      await cluster.moveSlot(slot)
      for (const { ids: stored } of await Promise.all(writing)) ids.push(...stored)
      await follower.reached(ids.at(-1) ?? '')
    }
    expect(follower.gaps).toEqual([])
    expect(follower.events.map((event) => event.id)).toEqual(ids)
    await backend.close()
  })
})

describe('a Redis Cluster with sharded pub/sub', () => {
  const logs = Array.from({ length: 30 }, (_, i) => ({ ...log, key: `log ${i}` }))

  /** Follows all logs, stores an event in each, and waits for all notifications. */
  async function publishToAll(backend: Backend): Promise<void> {
    const followers = await Promise.all(logs.map((each) => follow(backend, each)))
    const stored = await Promise.all(logs.map((each) => backend.append(each, ['1'])))
    await Promise.all(followers.map((follower, i) => follower.reached(stored[i]?.ids[0] ?? '')))
    expect(followers.flatMap(({ gaps }) => gaps)).toEqual([])
  }

  /** Returns the number of subscribed sharded channels at each node. */
  const sharded = ({ nodes }: RedisCluster): Promise<readonly number[]> =>
    Promise.all(
      nodes.map(
        async ({ admin }) => ((await admin.call('pubsub', 'shardchannels')) as string[]).length,
      ),
    )

  /** Returns the number of messages that the nodes have passed on to each other. */
  async function passedOn({ nodes }: RedisCluster): Promise<number> {
    const infos = await Promise.all(nodes.map(({ admin }) => admin.call('cluster', 'info')))
    return infos
      .map((info) => Number(/stats_messages_publish_sent:(\d+)/.exec(String(info))?.[1] ?? 0))
      .reduce((sum, count) => sum + count, 0)
  }

  it('notifies at the master that stores the event, and at no other node', async () => {
    const before = await passedOn(cluster)
    const backend = redisBackend({ redis: cluster.client })
    await publishToAll(backend)
    const counts = await sharded(cluster)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(logs.length)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(await passedOn(cluster)).toBe(before)
    await backend.close()
    await expect.poll(() => sharded(cluster), { interval: 5, timeout: 10_000 }).toEqual([0, 0, 0])
  })

  it('notifies at that master only, with a client that skips the ready check', async () => {
    const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
    const redis = new Cluster(nodes, { enableReadyCheck: false })
    const backend = redisBackend({ redis })
    await publishToAll(backend)
    expect((await sharded(cluster)).reduce((sum, count) => sum + count, 0)).toBe(logs.length)
    await backend.close()
    redis.disconnect()
  })

  it('needs one connection per master for thousands of logs, and resubscribes all of them after a cut', async () => {
    const backend = redisBackend({ redis: cluster.client })
    const many = Array.from({ length: 5_000 }, (_, i) => ({ ...log, key: `many ${i}` }))
    let interruptions = 0
    const listener = { onEvent() {}, onInterrupted: () => void interruptions++ }
    await Promise.all(many.map((each) => backend.listen(each, listener)))
    for (const { admin } of cluster.nodes)
      expect(await admin.call('client', 'kill', 'type', 'pubsub')).toBe(1)
    await expect.poll(() => interruptions, { interval: 10 }).toBe(many.length)
    expect((await sharded(cluster)).reduce((sum, count) => sum + count, 0)).toBe(many.length)
    await backend.close()
  })

  it('notifies at all nodes with shardedPubSub: false', async () => {
    const before = await passedOn(cluster)
    const backend = redisBackend({ redis: cluster.client }, { shardedPubSub: false })
    await publishToAll(backend)
    expect(await sharded(cluster)).toEqual([0, 0, 0])
    expect(await passedOn(cluster)).toBe(before + logs.length * 2)
    await backend.close()
  })

  it('notifies at all nodes when the servers have no SPUBLISH', async () => {
    await using old = await startRedisCluster({ args: ['--rename-command', 'SPUBLISH', ''] })
    const backend = redisBackend({ redis: old.client })
    await publishToAll(backend)
    expect(await passedOn(old)).toBe(logs.length * 2)
    await backend.close()
  })

  it('keeps notifying of a log whose slot moved away and back', async () => {
    const backend = redisBackend({ redis: cluster.client })
    const away = { ...log, key: 'away' }
    const follower = await follow(backend, away)
    const ids = [...(await backend.append(away, ['first'])).ids]
    const slot = Number(await cluster.client.cluster('KEYSLOT', '{away}'))
    for (const steps of [1, 2, 1, 2]) {
      await cluster.moveSlot(slot, steps)
      ids.push(...(await backend.append(away, ['next'])).ids)
    }
    await follower.reached(ids.at(-1) ?? '')
    await expect.poll(() => sharded(cluster), { interval: 5, timeout: 10_000 }).toContain(1)
    const { interruptions } = follower
    ids.push(...(await backend.append(away, ['last'])).ids)
    await follower.reached(ids.at(-1) ?? '')
    expect(follower.interruptions).toBe(interruptions)
    expect(follower.gaps).toEqual([])
    expect(follower.events.map(({ id }) => id)).toEqual(ids)
    await backend.close()
  })
})

describe('a Redis Cluster that keeps its data', () => {
  it('loses nothing when a node is killed and restarted while a slot moves', async () => {
    await using durable = await startRedisCluster({
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    })
    const backend = redisBackend({ redis: durable.client }, { commandTimeoutMs: 30_000 })
    const follower = await follow(backend, log)
    const slot = Number(await durable.client.cluster('KEYSLOT', '{log}'))
    const keysAt = async (node: RedisServer): Promise<number> =>
      Number(await node.admin.cluster('COUNTKEYSINSLOT', slot))
    const ids: string[] = []
    const append = async (idempotencyKey: string): Promise<void> => {
      ids.push(...(await backend.append(log, [idempotencyKey], { idempotencyKey })).ids)
    }
    for (let i = 0; i < 100; i++) await append(`${i}`)
    const [source = 0] = [0, 1, 2].filter((i) => Math.floor((slot * 3) / 16_384) === i)
    for (const [round, victim] of [source, (source + 2) % 3].entries()) {
      const [from, to] = [
        durable.nodes[(source + round) % 3],
        durable.nodes[(source + round + 1) % 3],
      ]
      if (!from || !to) throw new Error('A node is missing.')
      const moved = durable.moveSlot(slot)
      await expect.poll(() => keysAt(to), { interval: 1 }).toBeGreaterThan(0)
      await durable.nodes[victim]?.restart()
      await Promise.all([moved, append(`round ${round}`)])
      expect(await keysAt(from)).toBe(0)
    }
    await follower.reached(ids.at(-1) ?? '')
    expect(follower.gaps).toEqual([])
    expect(follower.events.map(({ id }) => id)).toEqual(ids)
    await backend.close()
  })
})

describe('a Redis Cluster with a replica', () => {
  it('publishes and notifies at the replica after it took over', async () => {
    await using three = await startRedisCluster()
    const slot = Number(await three.client.cluster('KEYSLOT', '{log}'))
    const master = three.nodes[Math.floor((slot * 3) / 16_384)]
    if (master === undefined) throw new Error('No node has the slot.')
    const replica = await three.addReplica(master)
    const backend = redisBackend({ redis: three.client })
    const follower = await follow(backend, log)
    const ids = [...(await backend.append(log, ['0'])).ids]
    await untilInSync(replica, master)
    await master.kill()
    await replica.admin.call('cluster', 'failover', 'takeover')
    for (let i = 1; i <= 20; i++) ids.push(...(await backend.append(log, [`${i}`])).ids)
    await follower.reached(ids.at(-1) ?? '')
    expect(follower.events.map(({ id }) => id)).toEqual(ids)
    expect(follower.gaps).toEqual([])
    await backend.close()
  })
})
