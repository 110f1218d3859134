import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisServer } from '../../support/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { pick } from '../pick.ts'
import {
  durable,
  type Fault,
  killSubscribers,
  oneAtATime,
  type SoakStore,
  shortMs,
} from './store.ts'

/** Three masters that keep all that they have confirmed, and slots that move between them. */
export async function startCluster(): Promise<SoakStore> {
  const cluster = await startRedisCluster({ args: durable })
  const { nodes } = cluster
  return clusterStore(cluster, nodes, false, {
    'a slot moves': (chance) => moveAnySlot(cluster, nodes, chance),
    async 'a slot moves, and a node is killed and restarted'(chance) {
      const killed = sleep(chance() * 300).then(() => pick(nodes, chance).restart())
      await Promise.all([moveAnySlot(cluster, nodes, chance), killed])
    },
    'a node is killed and restarted': (chance) => pick(nodes, chance).restart(),
    async 'a node is frozen'(chance) {
      const node = pick(nodes, chance)
      node.freeze()
      await sleep(shortMs(chance))
      node.thaw()
    },
  })
}

/** Three masters without persistence, each with a replica that takes over. */
export async function startClusterWithReplicas(): Promise<SoakStore> {
  const args = ['--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0']
  const cluster = await startRedisCluster({ args })
  const replicas = await Promise.all(cluster.nodes.map((node) => cluster.addReplica(node)))
  const nodes = [...cluster.nodes, ...replicas]
  return clusterStore(cluster, nodes, true, {
    'a slot moves': (chance) => moveAnySlot(cluster, nodes, chance),
    async 'a master is killed'(chance) {
      const master = pick(await mastersOf(nodes), chance)
      await master.kill()
      await untilTakenOver(nodes.filter((node) => node !== master))
      await master.restart()
      await untilWell(nodes)
    },
    async 'a master is frozen'(chance) {
      const master = pick(await mastersOf(nodes), chance)
      master.freeze()
      await sleep(shortMs(chance))
      master.thaw()
      await untilWell(nodes)
    },
  })
}

function clusterStore(
  cluster: RedisCluster,
  nodes: readonly RedisServer[],
  mayForget: boolean,
  faults: Readonly<Record<string, Fault>>,
): SoakStore {
  return {
    address: { kind: 'cluster', ports: nodes.map(({ port }) => port) },
    mayForget,
    faults: {
      ...oneAtATime(faults),
      'subscribers are killed': (chance) => killSubscribers(pick(nodes, chance).admin),
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

/** Moves the slot of a room. */
async function moveAnySlot(
  cluster: RedisCluster,
  nodes: readonly RedisServer[],
  chance: () => number,
): Promise<void> {
  const keys = await Promise.all((await mastersOf(nodes)).map(({ admin }) => admin.keys('*:log')))
  const logs = keys.flat().toSorted()
  if (logs.length === 0) return
  const slot = Number(await pick(nodes, chance).admin.cluster('KEYSLOT', pick(logs, chance)))
  await cluster.moveSlot(slot, chance() < 0.5 ? 1 : 2)
}

async function mastersOf(nodes: readonly RedisServer[]): Promise<RedisServer[]> {
  const roles = await Promise.all(nodes.map(({ admin }) => admin.role()))
  return nodes.filter((_, i) => roles[i]?.[0] === 'master')
}

/** Waits until the nodes that are left serve all slots again. */
async function untilTakenOver(nodes: readonly RedisServer[]): Promise<void> {
  for (;;) {
    const infos = await Promise.all(nodes.map(({ admin }) => admin.call('cluster', 'info')))
    const areUp = infos.every((info) => String(info).includes('cluster_state:ok'))
    if (areUp && (await mastersOf(nodes)).length === 3) return
    await sleep(100)
  }
}

/** Waits until there are three masters, each with a replica in sync. */
async function untilWell(nodes: readonly RedisServer[]): Promise<void> {
  await untilTakenOver(nodes)
  for (;;) {
    const infos = await Promise.all(nodes.map(({ admin }) => admin.info('replication')))
    const inSync = infos.filter((info) => info.includes('master_link_status:up'))
    const followed = infos.filter((info) => /^slave0:.*state=online/m.test(info))
    if (inSync.length === 3 && followed.length === 3) return
    await sleep(100)
  }
}
