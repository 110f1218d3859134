import type { Socket } from 'node:net'
import { AbstractConnector, Redis } from 'ioredis'

/**
 * Creates a client of ioredis whose connections are made by a function, as those of its duplicates
 * are. It connects when it is used.
 */
export function createClient(connect: () => Socket): Redis {
  return new Redis({
    lazyConnect: true,
    Connector: class extends AbstractConnector {
      constructor() {
        super(2_000)
      }

      async connect(): Promise<Socket> {
        this.connecting = true
        this.stream = connect()
        return this.stream
      }
    },
  })
}
