import { Cluster } from 'ioredis'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'

/** A Cluster of three masters on 127.0.0.1. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
  /** A client of the Cluster, connected. */
  readonly client: Cluster
}

/** Starts a Cluster, and waits until every node serves. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes']
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis({ ...options, args })))
  const [first] = nodes
  for (const [i, node] of nodes.entries()) {
    const [from, to] = [Math.ceil((i * 16_384) / 3), Math.ceil(((i + 1) * 16_384) / 3) - 1]
    await node.admin.call('cluster', 'addslotsrange', from, to)
    if (first !== undefined && i > 0) await node.admin.call('cluster', 'meet', '127.0.0.1', first.port)
  }
  for (const node of nodes) await untilItServes(node)
  const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return {
    nodes,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    },
  }
}

// There is no event for that: a node is asked until it knows all the others.
async function untilItServes({ admin }: RedisServer): Promise<void> {
  for (;;) {
    const info = String(await admin.call('cluster', 'info'))
    if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) return
  }
}
