import { type Clock, RealtimeError } from '@trpc-sse/server'
import calculateSlot from 'cluster-key-slot'
import type { Cluster, Redis } from 'ioredis'
import { createSubscriberClient, isCluster } from '../connection/clients.ts'
import type { PubSub, Readiness } from '../connection/readiness.ts'

/**
 * The nodes to subscribe at: with sharded pub/sub the master of the channel's slot, otherwise any.
 */
export interface Nodes {
  /** Resolves when the nodes are known or the signal aborts. */
  ready(signal: AbortSignal): Promise<void>
  /** The kind of pub/sub to use. Known once the nodes are known. */
  pubSub(): PubSub
  /** Returns the name of the node for a channel; `undefined` while there is none. */
  of(channel: string): string | undefined
  /** Whether a node still exists. */
  exists(node: string): boolean
  /**
   * Creates an unconnected client for subscriptions at a node. It never reconnects: each new
   * connection needs a new client.
   */
  connect(node: string): Redis
  /** Asks the Cluster for its nodes again. */
  refresh(): void
  /** Calls `callback` after each refresh of the nodes. */
  onRefresh(callback: () => void): void
}

const anyNode = 'any'

/** Creates the {@link Nodes} of a single Redis or a Cluster. */
export function createNodes(client: Redis | Cluster, readiness: Readiness, clock: Clock): Nodes {
  return isCluster(client)
    ? createClusterNodes(client, readiness, clock)
    : createSingleNode(client, readiness)
}

function createSingleNode(client: Redis, { pubSub }: Readiness): Nodes {
  return {
    pubSub,
    // Subscriptions don't need the command connection to be ready.
    ready: async () => {},
    of: () => anyNode,
    exists: () => true,
    connect: () => createSubscriberClient(client),
    refresh() {},
    onRefresh() {},
  }
}

function createClusterNodes(client: Cluster, { pubSub, ready }: Readiness, clock: Clock): Nodes {
  // With classic pub/sub, one master is enough: each passes every PUBLISH on to the others.
  let pickedMaster = ''
  const masterNamed = (name: string): Redis | undefined =>
    client.nodes('master').find((master) => nameOf(master) === name)

  function pickMaster(): Redis | undefined {
    const masters = client.nodes('master')
    return masters[Math.floor(clock.random() * masters.length)]
  }

  return {
    pubSub,
    ready,
    of: (channel) => (pubSub() === 'classic' ? anyNode : client.slots[calculateSlot(channel)]?.[0]),
    exists: (node) => masterNamed(node === anyNode ? pickedMaster : node) !== undefined,
    connect(node) {
      const master = node === anyNode ? pickMaster() : masterNamed(node)
      if (master === undefined) throw noMaster()
      pickedMaster = nameOf(master)
      return createSubscriberClient(master)
    },
    refresh: () => client.refreshSlotsCache(),
    onRefresh: (callback) => void client.on('refresh', callback),
  }
}

/** The name of a node in the Cluster client. */
function nameOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}

function noMaster(): RealtimeError {
  const message = 'The Cluster has no such master that can be reached. Check its nodes. Retrying.'
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
