import { redisBackend } from '@trpc-sse/redis'
import type { ChannelLog } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { startRedis } from './support/redis.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

const log: ChannelLog = { key: 'log', retain: { events: 1_000, forMs: 600_000 } }

/** Makes a server the replica of another, and waits until they are in sync. */
async function replicate(replica: Redis, port: number): Promise<void> {
  await replica.replicaof('127.0.0.1', port)
  await expect
    .poll(() => replica.info('replication'), { interval: 20, timeout: 10_000 })
    .toContain('master_link_status:up')
}

/** Waits until a replica has an event. */
async function untilItHas(replica: Redis, id: string | undefined): Promise<void> {
  await expect
    .poll(() => replica.get('trpc-sse:{log}:last'), { interval: 20, timeout: 10_000 })
    .toMatch(`${id} `)
}

it('reports a gap to readers after a failover to a replica that lagged', async () => {
  await using master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  await using replica = await startRedis()
  await using replication = await startTcpProxy(master.port)
  await using address = await startTcpProxy(master.port)
  await replicate(replica.admin, replication.port)
  const backend = redisBackend({ url: `redis://127.0.0.1:${address.port}` })
  const follower = await follow(backend, log)
  const { ids: kept } = await backend.append(log, ['kept'])
  await untilItHas(replica.admin, kept[0])
  replication.stall()
  const { ids: lost } = await backend.append(log, ['lost 1', 'lost 2'])
  await follower.reached(lost[1] ?? '')

  await master.kill()
  await replica.admin.replicaof('NO', 'ONE')
  address.target = replica.port
  address.cut()

  // Live: the reader's position no longer exists. The gap is reported before the next event.
  await follower.missed(1)
  const { ids } = await backend.append(log, ['new'])
  await follower.reached(ids[0] ?? '')
  expect(follower.gaps).toHaveLength(1)
  expect(follower.events.map((event) => event.data)).toEqual(['kept', 'lost 1', 'lost 2', 'new'])
  // Resumed from any lost event: the next event doesn't follow on it.
  for (const after of lost) {
    const { events, lastEventId } = await backend.read(log, { after, limit: 10 })
    expect(lastEventId).toBe(ids[0])
    expect(events[0]?.prev).not.toBe(after)
  }
  await backend.close()
})

it('publishes once, to the new master, when its own master was demoted', async () => {
  await using old = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  await using next = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  await using address = await startTcpProxy(old.port)
  await replicate(next.admin, old.port)
  const backend = redisBackend({ url: `redis://127.0.0.1:${address.port}` })
  const follower = await follow(backend, log)
  const { ids: first } = await backend.append(log, ['1'])
  await untilItHas(next.admin, first[0])

  await next.admin.replicaof('NO', 'ONE')
  await replicate(old.admin, next.port)
  address.target = next.port
  const { ids, duplicate } = await backend.append(log, ['2'])
  expect(duplicate).toBe(false)
  await follower.reached(ids[0] ?? '')
  expect(follower.gaps).toEqual([])
  expect(follower.events.map((event) => event.data)).toEqual(['1', '2'])
  await backend.close()
})

it('never has one id on two masters that have both accepted writes', async () => {
  await using one = await startRedis()
  await using other = await startRedis()
  const backends = [one, other].map(({ url }) => redisBackend({ url }))
  const [first, second] = backends
  await first?.append(log, ['common'])
  // The replica has the same log when it becomes a master, too.
  for (const key of await one.admin.keys('*')) {
    const value = await one.admin.dumpBuffer(key)
    if (value) await other.admin.restore(key, 0, value)
  }
  const [ids, otherIds] = await Promise.all(
    [first, second].map(async (backend) => {
      const stored: string[] = []
      for (let i = 0; i < 500; i++)
        stored.push(...((await backend?.append(log, ['fork']))?.ids ?? []))
      return stored
    }),
  )
  expect(ids).toHaveLength(500)
  expect(otherIds?.filter((id) => ids?.includes(id))).toEqual([])
  await Promise.all(backends.map((backend) => backend.close()))
})
