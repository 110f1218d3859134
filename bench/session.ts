import { startRedis } from '../tests/support/redis.ts'
import type { ClientsMethods } from './processes/clients.ts'
import { type Peer, startPeer } from './processes/peer.ts'
import type { ProducerMethods } from './processes/producer.ts'
import type { PublisherMethods } from './processes/publisher.ts'
import type { Runtime } from './processes/runtime.ts'
import type { ServerMethods } from './processes/server.ts'
import { createRedisWatch, type RedisWatch } from './redis-watch.ts'
import type { Sizes } from './sizes.ts'
import { defaultSettings, type TargetName, type TargetSettings } from './targets/target.ts'

/** A server and its clients, each in a separate process. */
export interface Pair {
  readonly server: Peer<ServerMethods>
  readonly clients: Peer<ClientsMethods>
  readonly port: number
  /** Opens connections. When it resolves, all their subscriptions get the next event. */
  subscribe(connections: number): Promise<void>
}

/** The resources of a scenario. Processes that it starts are stopped after their use. */
export interface Session {
  readonly sizes: Sizes
  /** The folder for files that are kept with the results. */
  readonly folder: string
  /** Runs a target in fresh processes. */
  withTarget<T>(
    target: TargetName,
    settings: Partial<TargetSettings>,
    use: (pair: Pair) => Promise<T>,
  ): Promise<T>
  /** Runs an empty Redis. */
  withRedis<T>(use: (redis: RedisUse) => Promise<T>): Promise<T>
  /** Runs a process that only publishes. */
  withPublisher<T>(
    name: string,
    redis: RedisUse,
    use: (publisher: Peer<PublisherMethods>) => Promise<T>,
  ): Promise<T>
  /** Runs a process that only produces an answer. */
  withProducer<T>(redis: RedisUse, use: (producer: Peer<ProducerMethods>) => Promise<T>): Promise<T>
}

/** A Redis server for one measurement. */
export interface RedisUse extends RedisWatch {
  readonly url: string
}

// The heap's young generation grows up to a limit, however many connections there are. Node 22's
// limit is so low that this growth doesn't hide the memory of thousands of connections.
const nodeArgs = ['--expose-gc', '--max-semi-space-size=16']

/** Creates the session that scenarios measure with. */
export function createSession(runtime: Runtime, sizes: Sizes, folder: string): Session {
  return {
    sizes,
    folder,
    async withTarget(target, settings, use) {
      const all: TargetSettings = { ...defaultSettings, ...settings }
      const server = startPeer<ServerMethods>(
        runtime,
        'server',
        [target, JSON.stringify(all)],
        nodeArgs,
      )
      const clients = startPeer<ClientsMethods>(runtime, 'clients')
      clients.onNumber((received) => server.send(received))
      try {
        const { port } = await server.call('start')
        const subscribe = async (connections: number): Promise<void> => {
          const requests = await server.call('requests', {})
          await clients.call('connect', { port, requests, count: connections })
          await server.call('subscribed', { count: connections * (all.perConnection ?? 1) })
        }
        return await use({ server, clients, port, subscribe })
      } finally {
        await Promise.all([server.stop(), clients.stop()])
      }
    },
    async withRedis(use) {
      await using redis = await startRedis()
      return await use({ url: redis.url, ...createRedisWatch(redis.admin) })
    },
    async withPublisher(name, { url }, use) {
      const publisher = startPeer<PublisherMethods>(runtime, 'publisher', [name, url])
      try {
        return await use(publisher)
      } finally {
        await publisher.stop()
      }
    },
    async withProducer({ url }, use) {
      const producer = startPeer<ProducerMethods>(runtime, 'producer', [url])
      try {
        return await use(producer)
      } finally {
        await producer.stop()
      }
    },
  }
}
