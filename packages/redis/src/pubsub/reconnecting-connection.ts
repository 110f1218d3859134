import { type Clock, elapsedTime } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { backoffMs } from '../connection/clients.ts'
import type { Outage } from '../connection/outage.ts'
import { unanswered } from '../errors.ts'

/** What {@link openLifeline} needs, and whom it tells. */
export interface LifelineOptions {
  readonly clock: Clock
  /** A connection that isn't there after so many milliseconds, or leaves a probe unanswered for so long, is dead. */
  readonly timeoutMs: number
  /** After so many milliseconds of silence the connection is probed. */
  readonly probeMs: number
  /** Creates a client, unconnected, that doesn't connect again by itself. Throws if there is nowhere to connect to. */
  create(): Redis
  /** The connection is there. */
  onUp(connection: Redis): void
  /** The connection is gone. Another one will be opened. */
  onDown(): void
  onMessage(channel: string, message: string): void
  readonly outage: Outage
  /** Redis has ended subscriptions that it tells elsewhere now, or refused them for that. */
  onMoved(): void
  onError(error: unknown): void
}

/** A connection that is kept open. */
export interface Lifeline {
  /** Asks it for a sign of life now: there is a reason to doubt that there will be one. */
  check(): void
  close(): void
}

/**
 * Keeps one connection for subscriptions open, a new one whenever the last one is lost. A connection can be dead
 * without an error, so one that is silent for long is asked for a sign of life.
 */
export function openLifeline(options: LifelineOptions): Lifeline {
  const { clock, outage, onError } = options
  let isClosed = false
  let failures = 0
  let connection: Redis | undefined
  let cancelReopening = (): void => {}
  let check = (): void => {}

  function open(): void {
    try {
      connection = options.create()
      check = follow(connection, options, { onUp, onEnd: reopen })
    } catch (error) {
      onError(error)
      reopen(error)
    }
  }

  function onUp(): void {
    failures = 0
    outage.ended(options)
  }

  /** Opens another connection, in place of one that is gone, or that could not be had for this error. */
  function reopen(error?: unknown): void {
    if (isClosed) return
    if (error !== undefined) outage.failed(options, error)
    failures++
    cancelReopening = clock.after(backoffMs(clock, failures), open)
  }

  open()
  return {
    check: () => check(),
    close() {
      isClosed = true
      cancelReopening()
      outage.ended(options)
      connection?.disconnect()
    },
  }
}

/** Follows one connection from its opening to its end. Returns what asks it for a sign of life. */
function follow(
  connection: Redis,
  options: LifelineOptions,
  { onUp, onEnd }: { onUp(): void; onEnd(error?: unknown): void },
): () => void {
  const { clock, timeoutMs, probeMs, outage } = options
  const elapsedMs = elapsedTime(clock)
  let heardMs = 0
  let isAsking = false
  let lastError: unknown
  let cancel = clock.after(timeoutMs, hangUp)

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
  }

  /** It is not there in time, or dead. */
  function hangUp(): void {
    lastError ??= unanswered(timeoutMs, undefined)
    if (connection.status === 'ready') outage.failed(options, lastError)
    connection.disconnect()
  }

  /** Not twice at a time: the first question would never be too late. */
  function ask(): void {
    if (isAsking || connection.status !== 'ready') return
    isAsking = true
    cancel()
    cancel = clock.after(timeoutMs, hangUp)
    connection.ping().then(rest, onError)
  }
  function rest(): void {
    isAsking = false
    heardMs = elapsedMs()
    watch()
  }
  function watch(): void {
    cancel()
    if (connection.status !== 'ready') return
    const leftMs = heardMs + probeMs - elapsedMs()
    if (leftMs > 0) cancel = clock.after(leftMs, watch)
    else ask()
  }

  connection.on('error', onError)
  const onMessage = (channel: string, message: string): void => {
    heardMs = elapsedMs()
    options.onMessage(channel, message)
  }
  connection.on('message', onMessage)
  connection.on('smessage', onMessage)
  connection.on('moved', options.onMoved)
  let isUp = false
  connection.once('ready', () => {
    isUp = true
    onUp()
    rest()
    options.onUp(connection)
  })
  connection.once('end', () => {
    cancel()
    options.onDown()
    onEnd(isUp ? undefined : (lastError ?? unanswered(timeoutMs, undefined)))
  })
  // A failure is an `error` event too.
  connection.connect().catch(() => {})
  return ask
}
