import { type Clock, detached } from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { isRefusal } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import { isCluster } from './clients.ts'
import type { Outage } from './outage.ts'

/**
 * The kind of pub/sub: `classic` reaches every node of a Cluster, `sharded` only the nodes that
 * hold the channel's slot.
 */
export type PubSub = 'classic' | 'sharded'

/** The state of the command connection. */
export interface Readiness {
  /** Whether commands can be sent now. */
  isReady(): boolean
  /** Resolves when commands can be sent or the signal aborts. Opens the connection if necessary. */
  ready(signal: AbortSignal): Promise<void>
  /** The kind of pub/sub to use. Known once commands can be sent. */
  pubSub(): PubSub
  /** The most recent error of the connection. */
  lastError(): unknown
  /** Stops all retries. */
  stop(): void
}

/** Options of {@link createReadiness}. */
export interface ReadinessOptions {
  readonly clock: Clock
  /**
   * The kind of pub/sub to use. If `undefined`, the Cluster is asked whether it supports `sharded`.
   */
  readonly pubSub: PubSub | undefined
  readonly outage: Outage
  onError(error: unknown): void
}

/** Creates the readiness of a client that isn't connected yet. */
export function createReadiness(
  client: Redis | Cluster,
  { clock, ...options }: ReadinessOptions,
): Readiness {
  // The client has a single `ready` listener, however many commands are waiting.
  const waiting = new Set<() => void>()
  let lastError: unknown
  let pubSub = isCluster(client) ? options.pubSub : 'classic'
  let isStopped = false

  const isReady = (): boolean => client.status === 'ready' && pubSub !== undefined

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
    // An error on a ready connection ends only that connection. Redis counts as lost if the next
    // attempt fails.
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

/** Opens the connection, detached from the async context of the request that first needs it. */
function connect(client: Redis | Cluster): void {
  if (client.status !== 'wait' && client.status !== 'end') return
  // The client also emits each failure as an `error` event, and reconnects.
  detached(() => client.connect()).catch(() => {})
}

/**
 * Whether sharded pub/sub can be used. It needs Redis 7 or newer, and ioredis 6 or newer, which
 * notices when a slot moves to another node.
 */
async function hasShardedPubSub(client: Redis | Cluster): Promise<boolean> {
  try {
    const reply = await client.call('command', ['info', 'spublish'])
    return Array.isArray(reply) && Boolean(reply[0]) && noticesMoves(client)
  } catch (error) {
    // This user isn't allowed to run COMMAND: assume that SPUBLISH isn't allowed either.
    if (isRefusal(error)) return false
    throw error
  }
}

/**
 * Whether this is ioredis 6 or newer, by a property of its connections. The command above got a
 * reply, so there is a connection.
 */
function noticesMoves(client: Redis | Cluster): boolean {
  const nodes = isCluster(client) ? client.nodes('all') : [client]
  return nodes.some(({ condition }) => condition && 'protocol' in condition)
}
