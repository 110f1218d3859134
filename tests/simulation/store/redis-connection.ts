import { redisBackend } from '@trpc-sse/redis'
import type { Backend } from '@trpc-sse/server'
import type { OldMaster, RedisAccess, RedisServer } from './redis-server.ts'
import { RedisSocket } from './redis-socket.ts'
import { commandTimeoutMs, type StoreConnection, type StoreConnectionOptions } from './store.ts'

interface RedisConnectionOptions extends StoreConnectionOptions {
  readonly store: RedisAccess
}

/** The Redis backend of one instance, and its connections to the model. */
export class RedisConnection implements StoreConnection {
  readonly backend: Backend
  readonly #options: RedisConnectionOptions
  readonly #sockets = new Set<RedisSocket>()
  #refusesUntilMs = 0

  constructor(options: RedisConnectionOptions) {
    this.#options = options
    const { process, store } = options
    this.backend = redisBackend(
      { redis: store.createClient((server) => this.#open(server)) },
      { clock: process.clock, commandTimeoutMs, onError() {} },
    )
    process.onCrash(() => {
      for (const socket of [...this.#sockets]) socket.clientCrashed()
    })
  }

  /** How many connections the server has, but for the dead ones that it hasn't noticed yet. */
  get sockets(): number {
    return [...this.#sockets].filter(({ isSilent }) => !isSilent).length
  }

  /** Ends the connections with subscriptions. New connections are refused for a while. */
  interrupt(forMs: number): void {
    this.#refusesUntilMs = this.#options.process.monotonicMs + forMs
    for (const socket of [...this.#sockets]) if (socket.hasSubscriptions) socket.endByServer()
  }

  /** Connections that are open when nothing passes any more are lost: some notice, some don't. */
  disturbed(): void {
    const { conditions, chance } = this.#options
    if (!conditions.isDown) return
    for (const socket of [...this.#sockets]) {
      if (chance.is(0.5)) socket.endByServer()
      else socket.fallSilent()
    }
  }

  healed(): void {}

  /** A master is no longer one. */
  masterEnds(how: OldMaster, master: RedisServer): void {
    for (const socket of [...this.#sockets]) {
      if (socket.peer !== master) continue
      if (how === 'is gone') socket.endByServer()
      else if (how === 'is silent') socket.fallSilent()
      else socket.demoteServer()
    }
  }

  #open(server: RedisServer): RedisSocket {
    const socket = new RedisSocket({
      ...this.#options,
      server,
      isRefused: () => this.#options.process.monotonicMs < this.#refusesUntilMs,
      onOver: () => this.#sockets.delete(socket),
    })
    this.#sockets.add(socket)
    return socket
  }
}
