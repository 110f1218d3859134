import type { Keyspace } from './keyspace.ts'
import type { Reply } from './reply.ts'

/** What a command works on. */
export interface CommandContext {
  readonly keys: Keyspace
  /** The server's time of day, in microseconds. */
  readonly nowMicros: () => number
  /** Sends a message to who listens; returns how many do. */
  readonly publish: (channel: string, message: string) => number
  /** The same for a channel of sharded pub/sub. */
  readonly publishToShard: (channel: string, message: string) => number
}

/** A command of Redis. */
export interface RedisCommand {
  /** How many arguments it takes with its name; a negative number is the least. */
  readonly arity: number
  readonly isWrite?: boolean
  /** Whether it is refused while there is no memory left. */
  readonly needsMemory?: boolean
  run(context: CommandContext, args: readonly string[]): Reply
}
