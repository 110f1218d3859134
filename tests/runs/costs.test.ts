import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { createApp } from './app.ts'

it('1,000 deltas at 150 a second cost Redis at most 60 scripts', async () => {
  await using redis = await startRedis()
  const { channels } = createApp(redis.url)
  const answer = channels.answer({ id: 'a' })
  await answer.status()
  await redis.admin.config('RESETSTAT')
  const startMs = performance.now()
  const result = await answer.produce(async function* () {
    for (let n = 0; n < 1_000; n++) {
      await setTimeout(Math.max(0, startMs + (n * 1_000) / 150 - performance.now()))
      yield 'word '
    }
  })
  expect(result).toEqual({ status: 'completed' })
  const stats = await redis.admin.info('commandstats')
  const scripts = Array.from(stats.matchAll(/cmdstat_(?:evalsha|eval|fcall):calls=(\d+)/g))
  const calls = scripts.reduce((sum, [, count]) => sum + Number(count), 0)
  expect(calls).toBeGreaterThan(2)
  expect(calls).toBeLessThanOrEqual(60)
  await channels.close()
})
