import { type Clock, detached } from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { isRefusal } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import { isCluster } from './clients.ts'
import type { Outage } from './outage.ts'

/**
 * How listeners are notified: `classic` pub/sub reaches every node of a Cluster, `sharded` pub/sub
 * only the nodes that have the channel's slot.
 */
export type PubSub = 'classic' | 'sharded'

/** Knows whether commands can be sent. */
export interface Readiness {
  /** Whether commands can be sent now. */
  isReady(): boolean
  /** Resolves when commands can be sent, or the signal aborts. Opens the connection if need be. */
  ready(signal: AbortSignal): Promise<void>
  /** The kind of pub/sub to use, known once commands can be sent. */
  pubSub(): PubSub
  /** The newest error of the connection. */
  lastError(): unknown
  /** Ends all work of its own. */
  stop(): void
}

/** What {@link createReadiness} needs. */
export interface ReadinessOptions {
  readonly clock: Clock
  /** The kind of pub/sub to use. `undefined`: a Cluster is asked whether it has sharded pub/sub. */
  readonly pubSub: PubSub | undefined
  readonly outage: Outage
  onError(error: unknown): void
}

/** Watches a client that isn't connected yet. */
export function createReadiness(
  client: Redis | Cluster,
  { clock, ...options }: ReadinessOptions,
): Readiness {
  // The client has one listener, however many commands wait for it.
  const waiting = new Set<() => void>()
  let lastError: unknown
  let pubSub = isCluster(client) ? options.pubSub : 'classic'
  let isStopped = false

  const isReady = (): boolean => client.status === 'ready' && pubSub !== undefined

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
    // An error of a ready connection only ends it. The next attempt shows whether there is another.
    if (client.status !== 'ready') options.outage.failed(client, error)
  }

  async function findPubSub(failures = 0): Promise<void> {
    if (isStopped) return
    try {
      pubSub ??= (await hasShardedPubSub(client)) ? 'sharded' : 'classic'
    } catch (error) {
      if (isStopped) return
      onError(error)
      clock.after(backoffMs(clock, failures + 1), () => void findPubSub(failures + 1))
    }
    if (!isReady()) return
    options.outage.ended(client)
    for (const resolve of waiting) resolve()
  }

  client.on('error', onError)
  client.on('ready', () => void findPubSub())

  return {
    isReady,
    pubSub: () => pubSub ?? 'classic',
    lastError: () => lastError,
    stop() {
      isStopped = true
    },
    async ready(signal) {
      if (isReady() || signal.aborted) return
      connect(client)
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

/** Opens the connection, outside the request that needs it first: the connection outlives it. */
function connect(client: Redis | Cluster): void {
  if (client.status !== 'wait' && client.status !== 'end') return
  // A failure is an `error` event too, and the client connects again.
  detached(() => client.connect()).catch(() => {})
}

/**
 * Whether sharded pub/sub can be used: Redis has it from version 7 on, and ioredis notices from
 * version 6 on when a slot moves away.
 */
async function hasShardedPubSub(client: Redis | Cluster): Promise<boolean> {
  try {
    const reply = await client.call('command', ['info', 'spublish'])
    return Array.isArray(reply) && Boolean(reply[0]) && noticesMoves(client)
  } catch (error) {
    // A user that may not ask for it may not use it either.
    if (isRefusal(error)) return false
    throw error
  }
}

/** Whether this is ioredis 6, by a property of its connections. One replied, so there is one. */
function noticesMoves(client: Redis | Cluster): boolean {
  const nodes = isCluster(client) ? client.nodes('all') : [client]
  return nodes.some(({ condition }) => condition && 'protocol' in condition)
}
