import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe } from 'vitest'
import { type RedisServer, redisBinary, startRedis, valkeyBinary } from './support/redis.ts'
import { createRedisContext, testCases } from './support/redis-cases.ts'

describe('redisBackend on Redis, given its URL', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ binary: redisBinary })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  testCases(() => createRedisContext([server], { url: server.url }))
})

describe.skipIf(valkeyBinary === undefined)(
  'redisBackend on Valkey, given a client that speaks RESP2',
  () => {
    let server: RedisServer
    let redis: Redis
    beforeAll(async () => {
      server = await startRedis({ binary: valkeyBinary ?? '' })
      // The client's own key prefix must not appear in the backend's keys.
      redis = new Redis({
        port: server.port,
        host: '127.0.0.1',
        protocol: 2,
        db: 3,
        keyPrefix: 'app:',
      })
    })
    afterAll(async () => {
      redis.disconnect()
      await server[Symbol.asyncDispose]()
    })
    testCases(() => createRedisContext([server], { redis }))
  },
)
