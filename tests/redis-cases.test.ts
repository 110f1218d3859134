import { redisBackend } from '@trpc-sse/redis'
import { type BackendCaseContext, backendCases, isRunnable } from '@trpc-sse/server/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisServer, redisBinary, startRedis, valkeyBinary } from './support/redis.ts'
import { type RedisCluster, startRedisCluster } from './support/redis-cluster.ts'

type Target = Parameters<typeof redisBackend>[0]

/** What the cases do to the servers. */
function createContext(nodes: readonly RedisServer[], target: Target): BackendCaseContext {
  let keys = 0
  return {
    createBackend: async () => redisBackend(target, { commandTimeoutMs: 1_000 }),
    uniqueKey: () => `log ${keys++}`,
    async loseEverything() {
      for (const { admin } of nodes) await admin.flushall()
    },
    async interruptListeners() {
      for (const { admin } of nodes) await admin.call('client', 'kill', 'type', 'pubsub')
    },
    async becomeUnreachable() {
      for (const node of nodes) node.freeze()
      return async () => {
        for (const node of nodes) node.thaw()
      }
    },
  }
}

/** Runs every case, on the context that there is by then. */
function testCases(getContext: () => BackendCaseContext): void {
  for (const backendCase of backendCases) {
    it(`${backendCase.id}: ${backendCase.name}`, async ({ skip }) => {
      const context = getContext()
      skip(!isRunnable(backendCase, context))
      await context.loseEverything?.()
      await backendCase.run(context)
    })
  }
}

describe('redisBackend on Redis, by its URL', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ binary: redisBinary })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  testCases(() => createContext([server], { url: server.url }))
})

describe.skipIf(valkeyBinary === undefined)('redisBackend on Valkey, by a client in RESP2', () => {
  let server: RedisServer
  let redis: Redis
  beforeAll(async () => {
    server = await startRedis({ binary: valkeyBinary ?? '' })
    // With a prefix of its own: the backend's names are not to have it.
    redis = new Redis({ port: server.port, host: '127.0.0.1', protocol: 2, db: 3, keyPrefix: 'app:' })
  })
  afterAll(async () => {
    redis.disconnect()
    await server[Symbol.asyncDispose]()
  })
  testCases(() => createContext([server], { redis }))
})

describe('redisBackend on a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ binary: redisBinary })
  })
  afterAll(() => cluster[Symbol.asyncDispose]())
  testCases(() => createContext(cluster.nodes, { redis: cluster.client }))
})
