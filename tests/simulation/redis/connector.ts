import type { Socket } from 'node:net'
import { AbstractConnector, Cluster, Redis } from 'ioredis'
import { clusterHost } from './cluster/host.ts'

/**
 * Creates a client of ioredis whose connections are made by a function, as those of its duplicates
 * are. It connects when it is used.
 */
export function createClient(connect: () => Socket): Redis {
  return new Redis({ lazyConnect: true, Connector: connectorTo(connect) })
}

/** The same for a Cluster: the function gets the port of the node. */
export function createClusterClient(
  ports: readonly number[],
  connect: (port: number) => Socket,
): Cluster {
  const nodes = ports.map((port) => ({ host: clusterHost, port }))
  return new Cluster(nodes, {
    lazyConnect: true,
    redisOptions: { Connector: connectorTo(connect) },
  })
}

function connectorTo(connect: (port: number) => Socket) {
  return class extends AbstractConnector {
    readonly #port: number

    constructor(options: unknown) {
      super(2_000)
      this.#port = portOf(options)
    }

    async connect(): Promise<Socket> {
      this.connecting = true
      this.stream = connect(this.#port)
      return this.stream
    }
  }
}

function portOf(options: unknown): number {
  const isNode = typeof options === 'object' && options !== null && 'port' in options
  return isNode ? Number(options.port) : 0
}
