import type { Socket } from 'node:net'
import type { Cluster, Redis } from 'ioredis'
import type { SimulatedProcess } from '../process.ts'
import type { SessionServer } from '../redis/session.ts'

/** What becomes of the connections to a master whose replica is promoted. */
export type OldMaster = 'is gone' | 'is silent' | 'refuses writes'

/** One server of the Redis that all instances share. */
export interface RedisServer {
  readonly process: SimulatedProcess
  /** Whether connections are refused. */
  readonly isDown: boolean
  /** What connections talk to. */
  readonly master: SessionServer
  /** What connections talk to whose server was the master before. */
  readonly replica: SessionServer
}

/** The Redis that all instances share: one server, or a Cluster. */
export interface RedisAccess {
  /** Creates a client that connects to servers by calling a function. */
  createClient(open: (server: RedisServer) => Socket): Redis | Cluster
}
