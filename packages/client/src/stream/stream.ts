import { type DecodedMessage, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import { type Connection, connect } from '../transport/attempt.ts'
import { type Buffering, createBuffering } from '../transport/buffering.ts'
import type { Frame } from '../wire/frame.ts'
import { followDevice } from './device.ts'
import { Retry } from './retry.ts'
import { initialStreamState, next, type StreamEvent } from './state.ts'
import type { ModeConnection, StreamOptions } from './stream-options.ts'

/**
 * How long a new connection may take during a handover, in milliseconds: events are held back for
 * it.
 */
const handoverConnectTimeoutMs = 3_000
/**
 * How long the previous connection is kept once the new one is open, in milliseconds. Servers
 * guarantee no more.
 */
const previousKeptMs = 5_000

/** An existing connection, with its two parts. */
interface ActiveConnection extends Connection {
  readonly mode: ModeConnection
  readonly askedAtMs: number
}

/** A stream: one connection after the other, until it is closed or a failure isn't retried. */
export class Stream {
  readonly #options: StreamOptions
  readonly #elapsedMs: () => number
  readonly #buffering: Buffering
  readonly #retry: Retry
  readonly #unfollow: () => void
  #state = initialStreamState
  #current: ActiveConnection | undefined
  /** During a handover: the connection that continues until the current one has taken over. */
  #previous: ActiveConnection | undefined
  #cancelHandover = (): void => {}

  constructor(options: StreamOptions) {
    const { clock, device, retry: policy, hiddenTimeoutMs } = options
    this.#options = options
    this.#elapsedMs = elapsedTime(clock)
    this.#buffering = createBuffering(options)
    this.#retry = new Retry({
      clock,
      device,
      policy,
      onElapsed: () => this.#dispatch({ type: 'elapsed' }),
    })
    this.#unfollow = followDevice(device, clock, hiddenTimeoutMs, {
      suspend: () => this.#dispatch({ type: 'suspend' }),
      wake: () => this.#wake(),
    })
    this.#open()
  }

  /**
   * Opens a new connection that takes over from the current one. That one continues until {@link
   * handedOver}.
   */
  handOver(): void {
    this.#dispatch({ type: 'handover', by: 'client' })
  }

  /** The previous connection is no longer needed. */
  handedOver(): void {
    if (this.#previous) this.#closePrevious(undefined)
  }

  /** A connection can't continue, because its subscription has failed. */
  fail(error: unknown, mode: ModeConnection): void {
    if (mode === this.#previous?.mode) this.#closePrevious(error)
    else this.#dispatch({ type: 'lost', error })
  }

  /** The shortest wait that the server requests before a retry on this stream, in milliseconds. */
  askedWaitMs(): number {
    return Math.max(this.#state.retryMs, this.#state.askedWaitMs)
  }

  /** Ends all connections. Closing twice is harmless. */
  close(): void {
    this.#dispatch({ type: 'end' })
  }

  #dispatch(event: StreamEvent): void {
    const { phase, handover } = this.#state
    this.#state = next(this.#state, event)
    if (this.#state.phase !== phase || event.type === 'suspend') this.#enter(event)
    if (this.#state.handover === 'none' && handover !== 'none')
      this.#dropPrevious(this.#state.error)
  }

  #enter(event: StreamEvent): void {
    const { phase } = this.#state
    if (phase === 'connecting') this.#open()
    else if (phase === 'ended') this.#end()
    else if (phase === 'waiting') this.#leave(event.type)
    else if (event.type === 'refused') this.#goBack(event.error)
    else if (this.#previous)
      this.#cancelHandover = this.#options.clock.after(previousKeptMs, () =>
        this.#dispatch({ type: 'previous-closed' }),
      )
  }

  #open(): void {
    const mode = this.#options.connect()
    const connection = this.#connect(mode)
    // The app's functions were called meanwhile, and may have ended the stream.
    if (this.#state.phase === 'connecting') this.#current = connection
    else this.#lose(connection, undefined)
  }

  #connect(mode: ModeConnection): ActiveConnection {
    const { connectTimeoutMs } = this.#options
    const maxDurationMs = this.#buffering.maxDurationMs()
    // A short stream arrives only at its end.
    const isHurried = this.#previous && maxDurationMs === undefined
    const limitMs = isHurried ? handoverConnectTimeoutMs : Infinity
    const connection: ActiveConnection = {
      mode,
      askedAtMs: this.#elapsedMs(),
      ...connect({
        ...this.#options,
        connectTimeoutMs: Math.min(connectTimeoutMs, limitMs),
        write: (endpoint) => mode.write(endpoint, maxDurationMs),
        onTimeout: this.#buffering.timedOut,
        onMessage: (message) => this.#receive(message, connection),
        onEvent: (event) => {
          if (event.type === 'retry') this.#options.onRetryAsked()
          if (connection === this.#current) this.#dispatch(event)
          else if (connection === this.#previous && event.type !== 'retry')
            this.#closePrevious(this.#state.error ?? this.#buffering.error())
        },
      }),
    }
    return connection
  }

  /** Leaves the current connection, and waits for the next one. */
  #leave(why: StreamEvent['type']): void {
    const left = this.#current
    const { failed, error, askedWaitMs } = this.#state
    this.#current = undefined
    this.#retry.stop()
    const end = failed ? this.#retry.failed(error, askedWaitMs) : undefined
    if (end) {
      left?.close()
      this.#dispatch({ type: 'gave-up', error: end.error })
      return
    }
    if (this.#state.suspended) this.#retry.progressed()
    else if (!failed) this.#retry.handOver()
    if (why === 'handover') {
      this.#dropPrevious(undefined)
      this.#previous = left
    } else this.#lose(left, error)
  }

  /** Returns to the previous connection, as if no other had been requested. */
  #goBack(error: unknown): void {
    const refused = this.#current
    this.#current = this.#previous
    this.#previous = undefined
    this.#lose(refused, undefined)
    this.#options.onRefused(error)
  }

  #dropPrevious(error: unknown): void {
    const previous = this.#previous
    this.#previous = undefined
    this.#cancelHandover()
    this.#lose(previous, error)
  }

  #closePrevious(error: unknown): void {
    this.#dropPrevious(error)
    this.#dispatch({ type: 'previous-closed' })
  }

  #lose(connection: ActiveConnection | undefined, error: unknown): void {
    connection?.close()
    connection?.mode.lost(error)
  }

  #end(): void {
    this.#retry.stop()
    this.#unfollow()
    this.#cancelHandover()
    this.#previous?.close()
    this.#current?.close()
    this.#previous = undefined
    this.#current = undefined
    this.#options.onEnded(this.#state)
  }

  #wake(): void {
    this.#previous?.check()
    this.#current?.check()
    if (this.#state.phase === 'waiting') this.#retry.hurry()
  }

  #receive(message: DecodedMessage, connection: ActiveConnection): void {
    try {
      for (const frame of this.#options.read(message)) {
        const isCurrent = connection === this.#current
        if (isCurrent) this.#hear(frame, connection)
        else if (connection !== this.#previous) return
        if ('key' in frame && connection.mode.receive(frame) && isCurrent) this.#retry.progressed()
      }
    } catch (error) {
      this.#dispatch({ type: 'end', error })
    }
  }

  /** Handles a frame about the stream itself. */
  #hear(frame: Frame, connection: ActiveConnection): void {
    const { phase, proven } = this.#state
    const { type } = frame
    if (phase === 'connecting') mustComeFirst(type)
    if (type === 'event' || type === 'ping') {
      if (!proven) this.#dispatch({ type: 'alive' })
    } else if (type === 'reconnect') this.#dispatch({ type: 'handover', by: 'server' })
    else if (type === 'connected') {
      const { inactivityTimeoutMs = frame.reconnectAfterInactivityMs } = this.#options
      connection.opened(inactivityTimeoutMs ?? Infinity)
      this.#retry.started()
      this.#buffering.opened(this.#elapsedMs() - connection.askedAtMs)
      this.#dispatch({ type })
      // A stream that arrives only at its end has succeeded.
      if (this.#buffering.error()) this.#dispatch({ type: 'alive' })
      connection.mode.opened?.(frame.connectionId)
    }
  }
}

/**
 * Throws for any frame but an error before `connected`: the response is some other
 * `text/event-stream`.
 */
function mustComeFirst(type: Frame['type']): void {
  if (type === 'connected' || type === 'error') return
  const message = `The stream began with "${type}", not with "connected". Check the url.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}
