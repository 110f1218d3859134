import { setTimeout } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'

/** A Cluster of three masters on 127.0.0.1. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
  /** A client of the Cluster, connected. */
  readonly client: Cluster
  /** Moves a slot and its keys to another node, one step after the other, while it is used. */
  moveSlot(slot: number): Promise<void>
}

/** Starts a Cluster, and waits until every node serves. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes']
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis({ ...options, args })))
  for (const [i, { admin }] of nodes.entries()) {
    const [from, to] = [Math.ceil((i * 16_384) / 3), Math.ceil(((i + 1) * 16_384) / 3) - 1]
    await admin.call('cluster', 'addslotsrange', from, to)
    for (const { port } of nodes.slice(0, i)) await admin.call('cluster', 'meet', '127.0.0.1', port)
  }
  for (const node of nodes) await untilItServes(node)
  const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return {
    nodes,
    client,
    moveSlot: (slot) => moveSlot(nodes, slot),
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    },
  }
}

// There is no event for that: a node is asked until it knows all the others. It takes two seconds, by design.
async function untilItServes({ admin }: RedisServer): Promise<void> {
  for (;;) {
    const info = String(await admin.call('cluster', 'info'))
    if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) return
    await setTimeout(20)
  }
}

async function moveSlot(nodes: readonly RedisServer[], slot: number): Promise<void> {
  const counts = await Promise.all(nodes.map(({ admin }) => admin.cluster('COUNTKEYSINSLOT', slot)))
  const from = counts.findIndex((count) => Number(count) > 0)
  const [source, target] = [nodes[from], nodes[(from + 1) % nodes.length]]
  if (source === undefined || target === undefined) throw new Error(`Slot ${slot} has no keys.`)
  const [sourceId, targetId] = await Promise.all([source.admin.cluster('MYID'), target.admin.cluster('MYID')])
  await target.admin.call('cluster', 'setslot', slot, 'importing', String(sourceId))
  await source.admin.call('cluster', 'setslot', slot, 'migrating', String(targetId))
  // One key after the other: in between, a script finds its keys on two nodes.
  for (const key of await source.admin.cluster('GETKEYSINSLOT', slot, 10)) {
    await source.admin.call('migrate', '127.0.0.1', target.port, key, 0, 5_000)
  }
  for (const { admin } of [target, source, ...nodes]) {
    await admin.call('cluster', 'setslot', slot, 'node', String(targetId))
  }
}
