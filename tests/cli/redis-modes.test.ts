import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cli } from '../support/cli.ts'
import { range } from '../support/numbers.ts'
import { startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { startRedisSentinels } from '../support/redis-sentinels.ts'

const definition = channel({ params: z.number(), event: z.string() })

it('finds and follows logs on all nodes of a Cluster', async () => {
  await using cluster = await startRedisCluster()
  const channels = createChannels({
    backend: redisBackend({ redis: cluster.client }),
    channels: { rooms: definition },
  })
  for (const room of range(1, 12)) await channels.rooms(room).publish(`in ${room}`)
  const env = { REDIS_URL: cluster.nodes[0]?.url ?? '' }
  const run = (...args: string[]) => cli([...args, '--cluster', '--json'], { env })
  const found = (await run('channels', 'rooms')).lines.map((line) => JSON.parse(line).params)
  expect(found.toSorted((a, b) => a - b)).toEqual(range(1, 12))
  for (const room of [1, 2, 3]) {
    expect((await run('publish', 'rooms', `${room}`, '--data', '"more"')).code).toBe(0)
    const { lines } = await run('tail', 'rooms', `${room}`, '--count', '2')
    expect(lines.map((line) => JSON.parse(line).data)).toEqual([`in ${room}`, 'more'])
  }
  expect((await run('runs')).code).toBe(0)
  await channels.close()
})

it('finds the master by a Sentinel', async () => {
  await using master = await startRedis()
  await using sentinels = await startRedisSentinels(master, { count: 1, replicas: 0 })
  const channels = createChannels({
    backend: redisBackend({ url: master.url }),
    channels: { rooms: definition },
  })
  await channels.rooms(1).publish('one')
  const { name, sentinels: addresses } = sentinels.options
  const env = { REDIS_URL: `redis://127.0.0.1:${addresses[0]?.port}` }
  const { lines } = await cli(['history', 'rooms', '1', '--sentinel', name], { env })
  expect(lines).toHaveLength(1)
  const { code, notes } = await cli(['channels'], { env })
  expect({ code, notes }).toMatchObject({ code: 1, notes: [expect.stringContaining('Redis: ')] })
  await channels.close()
})
