import type { Cluster, Redis } from 'ioredis'
import { isCluster } from './clients.ts'

/**
 * Returns a function to call before each command, so that all commands of one turn of the event
 * loop leave in one write. The client's automatic pipelining can't do that: in a Cluster it takes
 * the name of a script for a key.
 */
export function createCork(client: Redis | Cluster): () => void {
  let corked = false
  return () => {
    if (corked) return
    corked = true
    const nodes = isCluster(client) ? client.nodes('master') : [client]
    // There is no stream before the first connection.
    const streams: Array<Redis['stream'] | undefined> = nodes.map(({ stream }) => stream)
    for (const stream of streams) stream?.cork()
    process.nextTick(() => {
      corked = false
      for (const stream of streams) stream?.uncork()
    })
  }
}
