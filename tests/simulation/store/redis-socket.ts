import { Session } from '../redis/session.ts'
import { InProcessSocket } from '../redis/socket.ts'
import type { RedisServer } from './redis-server.ts'
import type { StoreConnectionOptions } from './store.ts'

interface RedisSocketOptions extends StoreConnectionOptions {
  readonly server: RedisServer
  /** Whether this instance may not connect. */
  readonly isRefused: () => boolean
  /** Called when the server has forgotten the connection. */
  readonly onOver: () => void
}

/** One way between an instance and Redis, in milliseconds. */
const wayMs = 2
/** When the server finds that a connection is dead, in milliseconds. */
const keepAliveMs = 60_000

/** One TCP connection between an instance and Redis. */
export class RedisSocket extends InProcessSocket {
  readonly #options: RedisSocketOptions
  readonly #session: Session
  #hasServer = true
  #isDemoted = false
  #isGivenUp = false
  /** Nothing passes any more, and neither end knows. */
  #isSilent = false
  /** When the last bytes arrive, in each direction. */
  #serverMs = 0
  #clientMs = 0

  constructor(options: RedisSocketOptions) {
    const wire = {
      send: (bytes: string) =>
        this.#sendToServer(() => {
          if (!this.#isGivenUp) this.#session.receive(bytes)
        }),
      close: () => this.#sendToServer(() => this.#closeAtServer()),
    }
    super(wire, options.process.clock)
    this.#options = options
    const { server } = options
    const { master } = server
    this.#session = new Session(
      {
        run: (command, isAsking) =>
          (this.#isDemoted ? server.replica : master).run(command, isAsking),
        subscribe: (channel, onMessage) => master.subscribe(channel, onMessage),
        ...(master.shards && { shards: master.shards }),
      },
      (bytes, isMessage) => (isMessage ? this.#sendMessage(bytes) : this.#sendReply(bytes)),
    )
    this.#connect()
  }

  /** The server at the other end. */
  get peer(): RedisServer {
    return this.#options.server
  }

  get isSilent(): boolean {
    return this.#isSilent
  }

  get hasSubscriptions(): boolean {
    return this.#session.hasSubscriptions
  }

  /** The server closes it. */
  override endByServer(): void {
    this.#closeAtServer()
  }

  fallSilent(): void {
    if (this.#isSilent) return
    this.#isSilent = true
    this.#options.server.process.arrive(keepAliveMs, () => this.#closeAtServer())
  }

  /** The server is a replica from now on, and refuses writes. */
  demoteServer(): void {
    this.#isDemoted = true
  }

  /** Its process is gone; its system closes it. */
  clientCrashed(): void {
    const { server } = this.#options
    server.process.arrive(this.#delayMs(), () => this.#closeAtServer())
  }

  /** What is under way from a client that has given the connection up is lost with it. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error) this.#isGivenUp = true
    super._destroy(error, done)
  }

  #connect(): void {
    const { conditions, chance, server, process } = this.#options
    if (conditions.isDown && chance.is(0.5)) {
      this.fallSilent()
      return
    }
    server.process.arrive(this.#delayMs(), () => {
      const isRefused = conditions.isDown || server.isDown || this.#options.isRefused()
      process.arrive(this.#delayMs(), () => (isRefused ? this.#refuse() : this.open()))
      if (isRefused) this.#closeAtServer()
    })
  }

  #refuse(): void {
    this.destroy(new Error('connect ECONNREFUSED'))
  }

  #sendToServer(call: () => void): void {
    const { conditions, server, process } = this.#options
    if (conditions.isDown) this.fallSilent()
    if (this.#isSilent || process.hasCrashed) return
    const nowMs = server.process.monotonicMs
    this.#serverMs = Math.max(this.#serverMs, nowMs + this.#delayMs())
    server.process.arrive(this.#serverMs - nowMs, () => {
      if (this.#hasServer && !this.#isSilent) call()
    })
  }

  #sendReply(bytes: string): void {
    const { conditions, chance } = this.#options
    if (!conditions.losesAnswers || chance.is(0.75)) {
      this.#sendToClient(() => this.receive(bytes))
      return
    }
    const part = bytes.slice(0, chance.below(bytes.length))
    this.#sendToClient(() => this.receive(part))
    this.#sendToClient(() => this.destroy(new Error('read ECONNRESET')))
    this.#closeAtServer()
  }

  #sendMessage(bytes: string): void {
    const { conditions } = this.#options
    if (conditions.isDeaf) return
    this.#sendToClient(() => this.receive(bytes))
    if (conditions.repeatsHints) this.#sendToClient(() => this.receive(bytes))
  }

  #sendToClient(call: () => void): void {
    const { conditions, process } = this.#options
    if (conditions.isDown) this.fallSilent()
    if (this.#isSilent) return
    const nowMs = process.monotonicMs
    this.#clientMs = Math.max(this.#clientMs, nowMs + this.#delayMs())
    process.arrive(this.#clientMs - nowMs, () => {
      if (!this.#isSilent) call()
    })
  }

  #closeAtServer(): void {
    if (!this.#hasServer) return
    this.#hasServer = false
    this.#session.close()
    this.#options.onOver()
    // The client's end is closed too, after what was sent before.
    this.#sendToClient(() => super.endByServer())
  }

  #delayMs(): number {
    const { chance, conditions } = this.#options
    return chance.delayMs(wayMs * conditions.slowness)
  }
}
