import { Channels } from './channels.ts'
import type { CommandContext } from './command.ts'
import { findCommand } from './commands.ts'
import { Keyspace, type Value } from './keyspace.ts'
import { CommandError, ok, type Reply } from './reply.ts'
import { nameOfScript, runScript } from './scripts.ts'

/** What a {@link RedisModel} is made of. */
export interface RedisModelOptions {
  /** The server's time of day, in microseconds. */
  readonly nowMicros: () => number
  /** Called after each command that was run, those of scripts included. */
  readonly onCommand?: (name: string, args: readonly string[], reply: Reply) => void
  /** Called with each message to a channel, for the other nodes of a Cluster. */
  readonly onPublish?: (channel: string, message: string) => void
}

/** A key on its way to another node. */
export interface DumpedKey {
  readonly value: Value
  readonly expiresAtMs: number
}

/**
 * A Redis in memory: the commands that the Redis backend uses, and the ones that its scripts use.
 * A command or a script is one step. It has no time of its own, and no connections.
 */
export class RedisModel {
  /** Whether it is a replica, and refuses to write. */
  isReadOnly = false
  /** Whether it has no memory left, and refuses to store more. */
  isFull = false
  readonly #options: RedisModelOptions
  readonly #channels = new Channels()
  readonly #shardChannels = new Channels()
  readonly #scripts = new Map<string, string>()
  #keys = new Keyspace()

  constructor(options: RedisModelOptions) {
    this.#options = options
  }

  /** Runs one command. Its error is a reply, too. */
  run([name = '', ...args]: readonly string[]): Reply {
    this.#now()
    try {
      return this.#runAny(name, args)
    } catch (error) {
      if (error instanceof CommandError) return error
      throw error
    }
  }

  /** Calls back with each message to a channel. Returns what ends that. */
  subscribe(channel: string, onMessage: (message: string) => void): () => void {
    return this.#channels.subscribe(channel, onMessage)
  }

  /** The same for a channel of sharded pub/sub. */
  subscribeToShard(channel: string, onMessage: (message: string) => void): () => void {
    return this.#shardChannels.subscribe(channel, onMessage)
  }

  /** The channels that somebody listens to. */
  channels(): string[] {
    return [...this.#channels.names(), ...this.#shardChannels.names()]
  }

  /** Passes on a message that another node of the Cluster has published. */
  deliver(channel: string, message: string): void {
    this.#channels.publish(channel, message)
  }

  /** Whether there is a key of this name. */
  has(name: string): boolean {
    return this.#now().get(name) !== undefined
  }

  /** What a key holds, to be restored at another node. */
  dump(name: string): DumpedKey | undefined {
    const keys = this.#now()
    const value = keys.get(name)
    return value === undefined
      ? undefined
      : { value, expiresAtMs: keys.expiresAtMs(name) ?? Infinity }
  }

  /** Takes a key from another node. */
  load(name: string, { value, expiresAtMs }: DumpedKey): void {
    this.#now().set(name, value, expiresAtMs)
  }

  /** The names of all keys, of those that have expired too unless somebody asked for them. */
  names(): string[] {
    return this.#keys.names()
  }

  /** The keys that there are, each with the time until it expires; `Infinity` for never. */
  keys(): Array<readonly [name: string, lifeMs: number]> {
    const keys = this.#now()
    return keys
      .names()
      .map((name) => [name, (keys.expiresAtMs(name) ?? keys.nowMs) - keys.nowMs] as const)
  }

  /** A copy of all keys, as a replica has it. */
  snapshot(): Keyspace {
    return this.#keys.clone()
  }

  /** Replaces all keys by a copy from before, or by nothing. */
  restore(keys: Keyspace = new Keyspace()): void {
    this.#keys = keys
  }

  /** Starts anew with these keys: a replica is promoted, or the server restarts with its log. */
  restart(keys?: Keyspace): void {
    this.restore(keys)
    this.#scripts.clear()
  }

  /** Forgets a key: it was evicted. */
  evict(name: string): void {
    this.#keys.delete(name)
  }

  #runAny(name: string, args: readonly string[]): Reply {
    const [first = '', ...rest] = args
    switch (name.toUpperCase()) {
      case 'EVAL':
        this.#scripts.set(nameOfScript(first), first)
        return this.#runScript(first, rest)
      case 'EVALSHA': {
        const lua = this.#scripts.get(first.toLowerCase())
        if (lua !== undefined) return this.#runScript(lua, rest)
        throw new CommandError('NOSCRIPT No matching script. Please use EVAL.')
      }
      case 'SCRIPT':
        return this.#script(first.toUpperCase(), rest)
      default:
        return this.#runCommand(name, args)
    }
  }

  #runScript(lua: string, args: readonly string[]): Reply {
    let { isFull } = this
    return runScript(lua, args, (name, rest) => {
      const reply = this.#runCommand(name, rest, isFull)
      // A script that has begun to write is not stopped for lack of memory.
      if (findCommand(name, rest.length).isWrite) isFull = false
      return reply
    })
  }

  #script(action: string, [text = '']: readonly string[]): Reply {
    if (action === 'FLUSH') {
      this.#scripts.clear()
      return ok
    }
    if (action === 'EXISTS') return [Number(this.#scripts.has(text))]
    if (action !== 'LOAD') throw new CommandError(`ERR unknown subcommand '${action}'.`)
    this.#scripts.set(nameOfScript(text), text)
    return nameOfScript(text)
  }

  #runCommand(name: string, args: readonly string[], isFull = this.isFull): Reply {
    const { onCommand, nowMicros } = this.#options
    const command = findCommand(name, args.length)
    if (command.isWrite && this.isReadOnly)
      throw new CommandError("READONLY You can't write against a read only replica.")
    if (command.needsMemory && isFull)
      throw new CommandError("OOM command not allowed when used memory > 'maxmemory'.")
    const context: CommandContext = {
      keys: this.#keys,
      nowMicros,
      publish: (channel, message) => this.#publish(channel, message),
      publishToShard: (channel, message) => this.#shardChannels.publish(channel, message),
    }
    const reply = command.run(context, args)
    onCommand?.(name.toUpperCase(), args, reply)
    return reply
  }

  #publish(channel: string, message: string): number {
    this.#options.onPublish?.(channel, message)
    return this.#channels.publish(channel, message)
  }

  /** The keys, at the current time. */
  #now(): Keyspace {
    this.#keys.nowMs = Math.floor(this.#options.nowMicros() / 1_000)
    return this.#keys
  }
}
