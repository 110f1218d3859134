import { setTimeout } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { moveSlot } from './cluster-slots.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'

/** A Cluster of three masters on 127.0.0.1. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
  /** A connected client of the Cluster. */
  readonly client: Cluster
  /**
   * Moves a slot and its keys to the node `steps` further on, key by key, while it is in use. If a
   * node dies meanwhile, this waits up to 20 s until it is back.
   */
  moveSlot(slot: number, steps?: number): Promise<void>
  /** Adds a replica of a node, and waits until it is in sync. It is stopped with the Cluster. */
  addReplica(of: RedisServer): Promise<RedisServer>
}

/** Starts a Cluster, and waits until every node accepts commands. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', ...(options.args ?? [])]
  const replicas: RedisServer[] = []
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis({ ...options, args })))
  for (const [i, { admin }] of nodes.entries()) {
    const [from, to] = [Math.ceil((i * 16_384) / 3), Math.ceil(((i + 1) * 16_384) / 3) - 1]
    await admin.call('cluster', 'addslotsrange', from, to)
    for (const { port } of nodes.slice(0, i)) await admin.call('cluster', 'meet', '127.0.0.1', port)
  }
  for (const node of nodes) await untilReady(node)
  const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return {
    nodes,
    client,
    moveSlot: (slot, steps = 1) =>
      moveSlot([...nodes, ...replicas], slot, { steps, timeoutMs: 20_000 }),
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

// Redis has no event for that, so the node is polled until it knows all others. A Cluster takes two
// seconds for it, by design.
async function untilReady({ admin }: RedisServer): Promise<void> {
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
