import type { SimulatedProcess } from '../process.ts'
import type { SessionServer } from '../redis/session.ts'

/** What becomes of the connections to a master whose replica is promoted. */
export type OldMaster = 'is gone' | 'is silent' | 'refuses writes'

/** The Redis that all instances share. */
export interface RedisServer {
  readonly process: SimulatedProcess
  /** Whether connections are refused. */
  readonly isDown: boolean
  /** What connections talk to. */
  readonly master: SessionServer
  /** What connections talk to whose server was the master before. */
  readonly replica: SessionServer
}
