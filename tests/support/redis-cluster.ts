import { setTimeout } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'

/** A Cluster of three masters on 127.0.0.1. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
  /** A client of the Cluster, connected. */
  readonly client: Cluster
  /**
   * Moves a slot and its keys to the next node, or further on, one step after the other, while it
   * is used.
   */
  moveSlot(slot: number, steps?: number): Promise<void>
  /**
   * Gives a node a replica, and waits until that has what the node has. It lasts as long as the
   * Cluster.
   */
  addReplica(of: RedisServer): Promise<RedisServer>
}

/** Starts a Cluster, and waits until every node serves. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', ...(options.args ?? [])]
  const replicas: RedisServer[] = []
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
    moveSlot: (slot, steps = 1) => moveSlot(nodes, slot, steps),
    async addReplica(of) {
      const replica = await startRedis({ ...options, args })
      replicas.push(replica)
      await replicate(replica, of)
      return replica
    },
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await Promise.all([...nodes, ...replicas].map((node) => node[Symbol.asyncDispose]()))
    },
  }
}

// There is no event for that: a node is asked until it knows all the others. It takes two seconds,
// by design.
async function untilItServes({ admin }: RedisServer): Promise<void> {
  for (;;) {
    const info = String(await admin.call('cluster', 'info'))
    if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) return
    await setTimeout(20)
  }
}

async function replicate({ admin }: RedisServer, of: RedisServer): Promise<void> {
  await admin.call('cluster', 'meet', '127.0.0.1', of.port)
  const id = String(await of.admin.cluster('MYID'))
  while (!String(await admin.call('cluster', 'nodes')).includes(id)) await setTimeout(20)
  await admin.call('cluster', 'replicate', id)
  while (!String(await admin.info('replication')).includes('master_link_status:up'))
    await setTimeout(20)
}

async function moveSlot(nodes: readonly RedisServer[], slot: number, steps: number): Promise<void> {
  const counts = await Promise.all(nodes.map(({ admin }) => admin.cluster('COUNTKEYSINSLOT', slot)))
  const from = counts.findIndex((count) => Number(count) > 0)
  const [source, target] = [nodes[from], nodes[(from + steps) % nodes.length]]
  if (source === undefined || target === undefined) throw new Error(`Slot ${slot} has no keys.`)
  const [sourceId, targetId] = await Promise.all([
    source.admin.cluster('MYID'),
    target.admin.cluster('MYID'),
  ])
  await target.admin.call('cluster', 'setslot', slot, 'importing', String(sourceId))
  await source.admin.call('cluster', 'setslot', slot, 'migrating', String(targetId))
  // One key after the other: in between, a script finds its keys on two nodes.
  for (;;) {
    const [key] = await source.admin.cluster('GETKEYSINSLOT', slot, 1)
    if (key === undefined) break
    await source.admin.call('migrate', '127.0.0.1', target.port, key, 0, 5_000)
  }
  for (const { admin } of [target, source, ...nodes]) {
    await admin.call('cluster', 'setslot', slot, 'node', String(targetId))
  }
  await untilTheyAgree(nodes)
}

/**
 * A slot that moves on before all nodes know where it is may be lost, with its keys: two nodes
 * claim it in the same epoch.
 */
async function untilTheyAgree(nodes: readonly RedisServer[]): Promise<void> {
  for (;;) {
    const views = await Promise.all(nodes.map(viewOf))
    if (new Set(views).size === 1) return
    await setTimeout(5)
  }
}

/** Which node has which slots since which epoch, as a node sees it. */
async function viewOf({ admin }: RedisServer): Promise<string> {
  const lines = String(await admin.call('cluster', 'nodes'))
    .trim()
    .split('\n')
  const claims = lines.map((line) => {
    const [id, , , , , , epoch, , ...slots] = line.split(' ')
    return [id, epoch, ...slots].join(' ')
  })
  return claims.sort().join('\n')
}
