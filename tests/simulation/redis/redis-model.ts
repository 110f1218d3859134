import type { CommandContext } from './command.ts'
import { findCommand } from './commands.ts'
import { Keyspace } from './keyspace.ts'
import { CommandError, ok, type Reply } from './reply.ts'
import { nameOfScript, runScript } from './scripts.ts'

/** What a {@link RedisModel} is made of. */
export interface RedisModelOptions {
  /** The server's time of day, in microseconds. */
  readonly nowMicros: () => number
  /** Called after each command that was run, those of scripts included. */
  readonly onCommand?: (name: string, args: readonly string[], reply: Reply) => void
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
  readonly #subscribers = new Map<string, Set<(message: string) => void>>()
  readonly #scripts = new Map<string, string>()
  #keys = new Keyspace()

  constructor(options: RedisModelOptions) {
    this.#options = options
  }

  /** Runs one command. Its error is a reply, too. */
  run([name = '', ...args]: readonly string[]): Reply {
    this.#keys.nowMs = Math.floor(this.#options.nowMicros() / 1_000)
    try {
      return this.#runAny(name, args)
    } catch (error) {
      if (error instanceof CommandError) return error
      throw error
    }
  }

  /** Calls back with each message to a channel. Returns what ends that. */
  subscribe(channel: string, onMessage: (message: string) => void): () => void {
    const subscribers = this.#subscribers.get(channel) ?? new Set()
    this.#subscribers.set(channel, subscribers)
    subscribers.add(onMessage)
    return () => {
      subscribers.delete(onMessage)
      if (subscribers.size === 0) this.#subscribers.delete(channel)
    }
  }

  /** The channels that somebody listens to. */
  channels(): string[] {
    return [...this.#subscribers.keys()]
  }

  /** The names of all keys, of those that have expired too unless somebody asked for them. */
  names(): string[] {
    return this.#keys.names()
  }

  /** The keys that there are, each with the time until it expires; `Infinity` for never. */
  keys(): Array<readonly [name: string, lifeMs: number]> {
    const keys = this.#keys
    keys.nowMs = Math.floor(this.#options.nowMicros() / 1_000)
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
    }
    const reply = command.run(context, args)
    onCommand?.(name.toUpperCase(), args, reply)
    return reply
  }

  #publish(channel: string, message: string): number {
    const subscribers = [...(this.#subscribers.get(channel) ?? [])]
    for (const onMessage of subscribers) onMessage(message)
    return subscribers.length
  }
}
