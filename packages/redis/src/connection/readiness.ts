import { type Clock, detached } from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { isRefusal } from '../errors.ts'
import { backoffMs, isCluster } from './clients.ts'
import type { Outage } from './outage.ts'

/** How events are told: to all of a Redis, or to the nodes of a Cluster that have a channel's slot. */
export type PubSub = 'classic' | 'sharded'

/** Knows whether commands can be sent. */
export interface Readiness {
  /** Whether they can be now. */
  isReady(): boolean
  /** Resolves when commands can be sent, or the signal aborts. Opens the connection if need be. */
  ready(signal: AbortSignal): Promise<void>
  /** How events are told, known once commands can be sent. */
  pubSub(): PubSub
  /** The newest error of the connection. */
  lastError(): unknown
  /** Asks nothing any more. */
  stop(): void
}

/** What {@link createReadiness} needs. */
export interface ReadinessOptions {
  readonly clock: Clock
  /** How events are told; in a Cluster that is asked for it, if it isn't said. */
  readonly pubSub: PubSub | undefined
  readonly outage: Outage
  onError(error: unknown): void
}

/** Watches a client that is not connected yet. */
export function createReadiness(
  client: Redis | Cluster,
  { clock, ...options }: ReadinessOptions,
): Readiness {
  // One listener on the client, whatever the number of those who wait.
  const waiting = new Set<() => void>()
  let lastError: unknown
  let pubSub = isCluster(client) ? options.pubSub : 'classic'
  let isStopped = false

  const isReady = (): boolean => client.status === 'ready' && pubSub !== undefined

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
    // The error of a connection that is there only ends it: whether there is another one, the next attempt shows.
    if (client.status !== 'ready') options.outage.failed(client, error)
  }

  async function look(failures = 0): Promise<void> {
    if (isStopped) return
    try {
      pubSub ??= (await hasShardedPubSub(client)) ? 'sharded' : 'classic'
    } catch (error) {
      if (isStopped) return
      onError(error)
      clock.after(backoffMs(clock, failures + 1), () => void look(failures + 1))
    }
    if (!isReady()) return
    options.outage.ended(client)
    for (const resolve of waiting) resolve()
  }

  client.on('error', onError)
  client.on('ready', () => void look())

  return {
    isReady,
    pubSub: () => pubSub ?? 'classic',
    lastError: () => lastError,
    stop() {
      isStopped = true
    },
    async ready(signal) {
      if (isReady() || signal.aborted) return
      // A failure is an `error` event too, and tried again. The connection outlives the request that is the first to need it.
      if (client.status === 'wait' || client.status === 'end')
        detached(() => client.connect()).catch(() => {})
      await new Promise<void>((resolve) => {
        const done = (): void => {
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiting.add(done)
        signal.addEventListener('abort', done)
      })
    },
  }
}

/** Redis has it from version 7 on. A client of ioredis before 6 doesn't notice when a slot moves away. */
async function hasShardedPubSub(client: Redis | Cluster): Promise<boolean> {
  try {
    const answer = await client.call('command', ['info', 'spublish'])
    return Array.isArray(answer) && Boolean(answer[0]) && noticesMoves(client)
  } catch (error) {
    // Who may not even ask will not be allowed to use it.
    if (isRefusal(error)) return false
    throw error
  }
}

/** By what the connections of ioredis 6 have; there is one, as a command was answered. */
function noticesMoves(client: Redis | Cluster): boolean {
  const nodes = isCluster(client) ? client.nodes('all') : [client]
  return nodes.some(({ condition }) => condition && 'protocol' in condition)
}
