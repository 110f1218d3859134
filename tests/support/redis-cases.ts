import { redisBackend } from '@trpc-sse/redis'
import { type BackendCaseContext, backendCases, isRunnable } from '@trpc-sse/server/testing'
import { it } from 'vitest'
import type { RedisServer } from './redis.ts'

type Target = Parameters<typeof redisBackend>[0]

let keys = 0

/** Creates the context of backend cases: backends of a target, and faults of its servers. */
export function createRedisContext(
  nodes: readonly RedisServer[],
  target: Target,
): BackendCaseContext {
  return {
    createBackend: async () => redisBackend(target, { commandTimeoutMs: 4_000 }),
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

/** Runs every backend case as a test, with the context at that time. */
export function testCases(getContext: () => BackendCaseContext): void {
  for (const backendCase of backendCases) {
    it(`${backendCase.id}: ${backendCase.name}`, async ({ skip }) => {
      const context = getContext()
      skip(!isRunnable(backendCase, context))
      await context.loseEverything?.()
      await backendCase.run(context)
    })
  }
}
