import type { Cluster, Redis } from 'ioredis'
import { isCluster } from './clients.ts'

/**
 * Returns a function to call before each command. It makes all commands of one event-loop turn
 * leave in one write. The client's automatic pipelining doesn't work here: in a Cluster it mistakes
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
