import { type Clock, RealtimeError } from '@trpc-sse/server'
import calculateSlot from 'cluster-key-slot'
import type { Cluster, Redis } from 'ioredis'
import { createSubscriberClient, isCluster } from '../connection/clients.ts'
import type { PubSub, Readiness } from '../connection/readiness.ts'

/** Where channels are told: at any node, or with sharded pub/sub at the master that has the channel's slot. */
export interface Places {
  /** Resolves once places are known, or the signal aborts. */
  ready(signal: AbortSignal): Promise<void>
  /** How they are subscribed to, once places are known. */
  pubSub(): PubSub
  /** The name of the place where a channel is told; `undefined` while there is none. */
  of(channel: string): string | undefined
  /** Whether a place is still there. */
  exists(place: string): boolean
  /** Creates a client for subscriptions at a place, unconnected, that lives as long as its connection. */
  connect(place: string): Redis
  /** Looks where they are by now. */
  refresh(): void
  /** Calls back each time after that. */
  onRefresh(callback: () => void): void
}

const anywhere = 'anywhere'

/** Creates the places of a Redis. */
export function createPlaces(client: Redis | Cluster, connection: Readiness, clock: Clock): Places {
  const { pubSub } = connection
  const single = {
    pubSub,
    of: () => anywhere,
    exists: () => true,
    refresh() {},
    onRefresh() {},
  }
  // A connection of its own needs no other one before it.
  if (!isCluster(client))
    return { ...single, ready: async () => {}, connect: () => createSubscriberClient(client) }

  /** Any one of the masters: with classic pub/sub they pass every PUBLISH on to each other. */
  const anyMaster = (): Redis | undefined => {
    const masters = client.nodes('master')
    return masters[Math.floor(clock.random() * masters.length)]
  }
  let picked = ''
  const masterAt = (place: string): Redis | undefined =>
    client.nodes('master').find((master) => nameOf(master) === place)

  return {
    pubSub,
    ready: connection.ready,
    of: (channel) =>
      pubSub() === 'classic' ? anywhere : client.slots[calculateSlot(channel)]?.[0],
    exists: (place) => masterAt(place === anywhere ? picked : place) !== undefined,
    connect(place) {
      const master = place === anywhere ? anyMaster() : masterAt(place)
      if (master === undefined) throw noMaster()
      picked = nameOf(master)
      return createSubscriberClient(master)
    },
    refresh: () => client.refreshSlotsCache(),
    onRefresh: (callback) => void client.on('refresh', callback),
  }
}

/** As a Cluster's client names its nodes. */
function nameOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}

function noMaster(): RealtimeError {
  const message =
    'The Cluster has no such master that can be reached. Check its nodes; it is looked for again.'
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
