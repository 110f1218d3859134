import { type Clock, elapsedTime } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { backoffMs } from '../connection/backoff.ts'
import type { Outage } from '../connection/outage.ts'
import { unanswered } from '../errors.ts'

/** What a {@link ReconnectingConnection} needs, and whom it calls. */
export interface ReconnectingOptions {
  readonly clock: Clock
  /**
   * A connection that isn't ready, or doesn't answer a ping, within this many milliseconds is dead.
   */
  readonly timeoutMs: number
  /** A connection that is silent for this many milliseconds is pinged. */
  readonly probeMs: number
  /**
   * Creates an unconnected client that doesn't reconnect by itself. Throws if there is no node to
   * connect to.
   */
  create(): Redis
  /** Called when a connection is ready. */
  onUp(connection: Redis): void
  /** Called when a connection is gone. Another one will be opened. */
  onDown(): void
  onMessage(channel: string, message: string): void
  readonly outage: Outage
  /** Called when Redis ended or refused subscriptions because their slot has moved. */
  onMoved(): void
  onError(error: unknown): void
}

/**
 * Keeps one connection for subscriptions open: a new one whenever the last one is lost. A
 * connection can be dead without an error, so a silent one is pinged.
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

  /** Pings the connection now: there is a reason to doubt that it is alive. */
  probe(): void {
    this.#current?.probe()
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

  /** Opens another connection after a while. With an error, there was no connection at all. */
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
  /** Called when it is gone; with an error, if it never was ready. */
  onEnd(error: unknown): void
}

/** One connection, from its opening to its end, which is pinged when it is silent. */
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
    // A failure is an `error` event too.
    this.#client.connect().catch(() => {})
  }

  /** Pings, unless a ping is under way: a second one would put off the first one's time. */
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

  /** Closes a connection that isn't ready in time, or is dead. */
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
    const leftMs = this.#heardAtMs + this.#options.probeMs - this.#elapsedMs()
    if (leftMs > 0) this.#restartTimer(leftMs, () => this.#watch())
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
