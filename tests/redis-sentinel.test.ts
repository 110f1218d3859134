import { redisBackend } from '@trpc-sse/redis'
import type { AppendResult, ChannelLog } from '@trpc-sse/server'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { startRedis, untilInSync } from './support/redis.ts'
import { startRedisSentinels } from './support/redis-sentinels.ts'

const log: ChannelLog = { key: 'log', retain: { events: 1_000, forMs: 600_000 } }

it('continues without a gap at the replica that Sentinels promote', async () => {
  await using master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] })
  await using sentinels = await startRedisSentinels(master)
  const redis = new Redis({ ...sentinels.options, sentinels: [...sentinels.options.sentinels] })
  redis.on('error', () => {})
  const backend = redisBackend({ redis }, { commandTimeoutMs: 20_000 })
  const follower = await follow(backend, log)
  const ids = [...(await backend.append(log, ['before'])).ids]
  await untilInSync(replica, master)
  await master.kill()
  for (let i = 0; i < 20; i++) ids.push(...(await backend.append(log, [`${i}`])).ids)
  await follower.reached(ids.at(-1) ?? '')
  expect(follower.events.map(({ id }) => id)).toEqual(ids)
  expect(follower.gaps).toEqual([])
  expect(follower.interruptions).toBeGreaterThan(0)
  await backend.close()
  redis.disconnect()
})

it('continues there as soon as a command times out, if the master hangs with open connections', async () => {
  await using master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] })
  await using sentinels = await startRedisSentinels(master)
  const redis = new Redis({ ...sentinels.options, sentinels: [...sentinels.options.sentinels] })
  redis.on('error', () => {})
  // By itself, the backend would ping the connection for notifications only long after this test.
  const backend = redisBackend(
    { redis },
    { commandTimeoutMs: 1_000, probeMs: 600_000, onError() {} },
  )
  const follower = await follow(backend, log)
  const before = await backend.append(log, ['before'])
  await follower.reached(before.ids[0] ?? '')
  await untilInSync(replica, master)
  master.freeze()
  let after: AppendResult | undefined
  while (after === undefined) after = await backend.append(log, ['after']).catch(() => undefined)
  await follower.reached(after.ids[0] ?? '')
  expect(follower.events.map(({ id }) => id)).toEqual([...before.ids, ...after.ids])
  expect(follower.gaps).toEqual([])
  await backend.close()
  redis.disconnect()
})
