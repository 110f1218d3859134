import type { Cluster, Redis } from 'ioredis'
import { isCluster } from './clients.ts'

/**
 * Returns what is called before each command: what is sent in one turn leaves in one write. (Not by the client's automatic
 * pipelines: in a Cluster they take the name of a script for a key.)
 */
export function createCork(client: Redis | Cluster): () => void {
  let corked = false
  return () => {
    if (corked) return
    corked = true
    const nodes = isCluster(client) ? client.nodes('master') : [client]
    // There is none before the first connection.
    const streams: Array<Redis['stream'] | undefined> = nodes.map(({ stream }) => stream)
    for (const stream of streams) stream?.cork()
    process.nextTick(() => {
      corked = false
      for (const stream of streams) stream?.uncork()
    })
  }
}
