import { redisBackend } from '@trpc-sse/redis'
import { type BackendCaseContext, backendCases, isRunnable } from '@trpc-sse/server/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisServer, redisBinary, startRedis, valkeyBinary } from './support/redis.ts'

/** What the cases do to a server. All tests of this file have one server each for Redis and Valkey. */
function createContext(server: RedisServer): BackendCaseContext {
  let keys = 0
  return {
    createBackend: async () => redisBackend({ url: server.url }, { commandTimeoutMs: 1_000 }),
    uniqueKey: () => `log ${keys++}`,
    async loseEverything() {
      await server.admin.flushall()
    },
    async interruptListeners() {
      await server.admin.call('client', 'kill', 'type', 'pubsub')
    },
    async becomeUnreachable() {
      server.freeze()
      return async () => server.thaw()
    },
  }
}

describe.each([
  { name: 'Redis', binary: redisBinary },
  { name: 'Valkey', binary: valkeyBinary },
])('redisBackend on $name', ({ binary }) => {
  let server: RedisServer
  beforeAll(async () => {
    if (binary !== undefined) server = await startRedis({ binary })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  for (const backendCase of backendCases) {
    it.skipIf(binary === undefined)(`${backendCase.id}: ${backendCase.name}`, async ({ skip }) => {
      const context = createContext(server)
      skip(!isRunnable(backendCase, context))
      await server.admin.flushall()
      await backendCase.run(context)
    })
  }
})
