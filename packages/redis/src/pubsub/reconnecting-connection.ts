import { type Clock, elapsedTime } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { backoffMs } from '../connection/backoff.ts'
import type { Outage } from '../connection/outage.ts'
import { unanswered } from '../errors.ts'

/** Options and callbacks of a {@link ReconnectingConnection}. */
export interface ReconnectingOptions {
  readonly clock: Clock
  /**
   * The timeout, in milliseconds, for a new connection to become ready and for the reply to a ping.
   * After that the connection is dead.
   */
  readonly timeoutMs: number
  /** The longest silence of a connection before it is pinged, in milliseconds. */
  readonly probeMs: number
  /**
   * Creates an unconnected client that doesn't reconnect automatically. Throws if there is no node
   * to connect to.
   */
  create(): Redis
  /** Called when a connection is ready. */
  onUp(connection: Redis): void
  /** Called when a connection has ended. A new one follows, unless `close` was called. */
  onDown(): void
  onMessage(channel: string, message: string): void
  readonly outage: Outage
  /** Called when Redis ended or refused subscriptions because their slot moved to another node. */
  onMoved(): void
  onError(error: unknown): void
}

/**
 * Keeps one connection for subscriptions open, and replaces it whenever it is lost. A dead
 * connection may cause no error, so a silent one is pinged.
 */
export class ReconnectingConnection {
  readonly #options: ReconnectingOptions
  #current: ProbedConnection | undefined
  #failures = 0
  #isClosed = false
  #cancelReopening = (): void => {}

  constructor(options: ReconnectingOptions) {
    this.#options = options
    this.#open()
  }

  /**
   * Pings the connection now. Call it when there is a reason to doubt that the connection is alive.
   */
  probe(): void {
    this.#current?.probe()
  }

  /** Drops the current connection. A new one follows. */
  interrupt(): void {
    this.#current?.close()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelReopening()
    this.#options.outage.ended(this)
    this.#current?.close()
  }

  #open(): void {
    try {
      this.#current = new ProbedConnection(this.#options, {
        onReady: () => {
          this.#failures = 0
          this.#options.outage.ended(this)
        },
        onDead: (error) => this.#options.outage.failed(this, error),
        onEnd: (error) => this.#reopen(error),
      })
    } catch (error) {
      this.#options.onError(error)
      this.#reopen(error)
    }
  }

  /**
   * Opens a new connection after a delay. `error` is set if the previous one never became ready.
   */
  #reopen(error: unknown): void {
    if (this.#isClosed) return
    const { clock, outage } = this.#options
    if (error !== undefined) outage.failed(this, error)
    this.#failures++
    this.#cancelReopening = clock.after(backoffMs(clock, this.#failures), () => this.#open())
  }
}

interface ProbedHandlers {
  onReady(): void
  /** Called when a ready connection didn't answer in time. */
  onDead(error: unknown): void
  /** Called when the connection has ended, with an error if it was never ready. */
  onEnd(error: unknown): void
}

/** One connection, from opening to end. It is pinged when it is silent. */
class ProbedConnection {
  readonly #options: ReconnectingOptions
  readonly #handlers: ProbedHandlers
  readonly #client: Redis
  readonly #elapsedMs: () => number
  #heardAtMs = 0
  #isProbing = false
  #wasReady = false
  #lastError: unknown
  #cancelTimer: () => void

  constructor(options: ReconnectingOptions, handlers: ProbedHandlers) {
    const { clock, timeoutMs } = options
    this.#options = options
    this.#handlers = handlers
    this.#elapsedMs = elapsedTime(clock)
    this.#client = options.create()
    this.#cancelTimer = clock.after(timeoutMs, () => this.#hangUp())
    this.#listen()
    // The client also emits a failure as an `error` event.
    this.#client.connect().catch(() => {})
  }

  /** Pings, unless a ping is pending: a second one would restart the timeout of the first. */
  probe(): void {
    if (this.#isProbing || this.#client.status !== 'ready') return
    this.#isProbing = true
    this.#restartTimer(this.#options.timeoutMs, () => this.#hangUp())
    this.#client.ping().then(
      () => this.#heard(),
      (error: unknown) => this.#failed(error),
    )
  }

  close(): void {
    this.#client.disconnect()
  }

  #listen(): void {
    const client = this.#client
    const onMessage = (channel: string, message: string): void => {
      this.#heardAtMs = this.#elapsedMs()
      this.#options.onMessage(channel, message)
    }
    client.on('error', (error) => this.#failed(error))
    client.on('message', onMessage)
    client.on('smessage', onMessage)
    client.on('moved', () => this.#options.onMoved())
    client.once('ready', () => {
      this.#wasReady = true
      this.#handlers.onReady()
      this.#heard()
      this.#options.onUp(client)
    })
    client.once('end', () => this.#ended())
  }

  #failed(error: unknown): void {
    this.#lastError = error
    this.#options.onError(error)
  }

  /** Closes a connection that took too long to become ready, or is dead. */
  #hangUp(): void {
    this.#lastError ??= this.#silence()
    if (this.#client.status === 'ready') this.#handlers.onDead(this.#lastError)
    this.#client.disconnect()
  }

  #ended(): void {
    this.#cancelTimer()
    this.#options.onDown()
    this.#handlers.onEnd(this.#wasReady ? undefined : (this.#lastError ?? this.#silence()))
  }

  #heard(): void {
    this.#isProbing = false
    this.#heardAtMs = this.#elapsedMs()
    this.#watch()
  }

  #watch(): void {
    this.#cancelTimer()
    if (this.#client.status !== 'ready') return
    const { clock, probeMs } = this.#options
    const leftMs = this.#heardAtMs + probeMs - this.#elapsedMs()
    if (clock.rare?.('early hang-up')) this.#hangUp()
    else if (leftMs > 0) this.#restartTimer(leftMs, () => this.#watch())
    else this.probe()
  }

  #restartTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#options.clock.after(delayMs, callback)
  }

  #silence(): unknown {
    return unanswered(this.#options.timeoutMs, undefined)
  }
}
