import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { startRedisSentinels } from '../support/redis-sentinels.ts'
import type { StoreAddress } from './app.ts'

/** Causes a fault. Resolves when the store is well again. */
export type Fault = (chance: () => number) => Promise<void>

/** A store for the soak, and what can happen to it. */
export interface SoakStore extends AsyncDisposable {
  readonly address: StoreAddress
  /** Whether it may lose events that it had confirmed. */
  readonly mayForget: boolean
  /** What can happen to it. */
  readonly faults: Readonly<Record<string, Fault>>
}

const durable = ['--appendonly', 'yes', '--appendfsync', 'always']

/** The stores, by name. */
export const stores = {
  durable: startDurable,
  memory: startMemory,
  sentinels: startWithSentinels,
  cluster: startCluster,
  lru: startLru,
} satisfies Record<string, () => Promise<SoakStore>>

export type StoreName = keyof typeof stores

const shortMs = (chance: () => number): number => 200 + chance() * 4_000

async function killSubscribers(admin: Redis): Promise<void> {
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

/** One Redis that keeps everything that it has confirmed. */
async function startDurable(): Promise<SoakStore> {
  const redis = await startRedis({ args: durable })
  return {
    address: { kind: 'url', url: redis.url },
    mayForget: false,
    faults: {
      'redis is killed and restarted': () => redis.restart(),
      async 'redis is frozen'(chance) {
        redis.freeze()
        await sleep(shortMs(chance))
        redis.thaw()
      },
      'subscribers are killed': () => killSubscribers(redis.admin),
      async 'redis is full'(chance) {
        await redis.admin.config('SET', 'maxmemory', '1mb')
        await sleep(shortMs(chance))
        await redis.admin.config('SET', 'maxmemory', '0')
      },
      async 'redis refuses writes'(chance) {
        await redis.admin.config('SET', 'min-replicas-to-write', '1')
        await sleep(shortMs(chance))
        await redis.admin.config('SET', 'min-replicas-to-write', '0')
      },
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}

/** One Redis without persistence: a restart loses everything. */
async function startMemory(): Promise<SoakStore> {
  const redis = await startRedis()
  return {
    address: { kind: 'url', url: redis.url },
    mayForget: true,
    faults: {
      'redis is restarted empty': () => redis.restart(),
      async 'redis is emptied'() {
        await redis.admin.flushall()
      },
      'subscribers are killed': () => killSubscribers(redis.admin),
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}

/** A master and a replica, which Sentinels promote. */
async function startWithSentinels(): Promise<SoakStore> {
  const stack = new AsyncDisposableStack()
  const args = ['--repl-diskless-sync-delay', '0']
  const first = stack.use(await startRedis({ args }))
  const second = stack.use(
    await startRedis({ args: [...args, '--replicaof', '127.0.0.1', `${first.port}`] }),
  )
  const sentinels = stack.use(await startRedisSentinels(first))
  const servers = [first, second]
  const roleOf = async (admin: Redis): Promise<string> => String((await admin.role())[0])
  const master = async () => {
    for (const server of servers) if ((await roleOf(server.admin)) === 'master') return server
    return first
  }
  /** Waits until there is a master with a replica in sync again. */
  async function untilWell(): Promise<void> {
    for (;;) {
      const infos = await Promise.all(servers.map(({ admin }) => admin.info('replication')))
      const isWell = infos.some((info) => info.includes('state=online'))
      if (isWell && infos.some((info) => info.includes('master_link_status:up'))) return
      await sleep(200)
    }
  }
  return {
    address: { kind: 'sentinels', ...sentinels.options },
    mayForget: true,
    faults: {
      async 'the master is killed'() {
        const old = await master()
        await old.kill()
        await sleep(3_000)
        await old.restart()
        await untilWell()
      },
      async 'the master is frozen'() {
        const old = await master()
        old.freeze()
        await sleep(3_000)
        old.thaw()
        await untilWell()
      },
      async 'subscribers are killed'() {
        await killSubscribers((await master()).admin)
      },
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Makes faults wait for each other: a slot whose node dies while it moves needs an operator. */
function oneAtATime(): (fault: Fault) => Fault {
  let last: Promise<unknown> = Promise.resolve()
  return (fault) => (chance) => {
    const next = last.then(() => fault(chance))
    last = next.catch(() => {})
    return next
  }
}

/** Three masters that keep all that they have confirmed, and slots that move between them. */
async function startCluster(): Promise<SoakStore> {
  const cluster = await startRedisCluster({ args: durable })
  const alone = oneAtATime()
  const any = (chance: () => number) => cluster.nodes[Math.floor(chance() * 3)] ?? cluster.nodes[0]
  return {
    address: { kind: 'cluster', ports: cluster.nodes.map(({ port }) => port) },
    mayForget: false,
    faults: {
      'the slot of a room moves': alone(async (chance) => {
        const key = String(
          (await Promise.all(cluster.nodes.map(({ admin }) => admin.keys('*'))))
            .flat()
            .toSorted((a, b) => (chance() < 0.5 ? a.localeCompare(b) : b.localeCompare(a)))[0] ??
            '',
        )
        if (key === '') return
        const slot = Number(await cluster.client.cluster('KEYSLOT', key))
        await cluster.moveSlot(slot)
      }),
      'a node is killed and restarted': alone(async (chance) => {
        await any(chance)?.restart()
      }),
      async 'subscribers are killed'(chance) {
        const node = any(chance)
        if (node) await killSubscribers(node.admin)
      },
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

/** One Redis that evicts whatever was used least, when it is full. */
async function startLru(): Promise<SoakStore> {
  const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
  return {
    address: { kind: 'url', url: redis.url },
    mayForget: true,
    faults: {
      async 'redis evicts'(chance) {
        await redis.admin.config('SET', 'maxmemory', '1mb')
        await sleep(shortMs(chance))
        await redis.admin.config('SET', 'maxmemory', '0')
      },
      'subscribers are killed': () => killSubscribers(redis.admin),
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}
