import type { Clock } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { backoffMs } from './clients.ts'

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
  /** Redis has ended subscriptions that it tells elsewhere now, or refused them for that. */
  onMoved(): void
  onError(error: unknown): void
}

/**
 * Keeps one connection for subscriptions open, a new one whenever the last one is lost. A connection can be dead
 * without an error, so one that is silent for long is asked for a sign of life.
 *
 * @returns What closes it.
 */
export function openLifeline(options: LifelineOptions): () => void {
  const { clock, onError } = options
  let isClosed = false
  let failures = 0
  let connection: Redis | undefined
  let cancelReopening = (): void => {}

  function open(): void {
    try {
      connection = options.create()
      follow(connection, options, { onUp: () => (failures = 0), onEnd: reopen })
    } catch (error) {
      onError(error)
      reopen()
    }
  }

  function reopen(): void {
    if (isClosed) return
    failures++
    cancelReopening = clock.after(backoffMs(clock, failures), open)
  }

  open()
  return () => {
    isClosed = true
    cancelReopening()
    connection?.disconnect()
  }
}

/** Follows one connection from its opening to its end. */
function follow(
  connection: Redis,
  options: LifelineOptions,
  { onUp, onEnd }: { onUp(): void; onEnd(): void },
): void {
  const { clock, timeoutMs, probeMs, onError } = options
  const hangUp = (): void => connection.disconnect()
  let heard = false
  let cancel = clock.after(timeoutMs, hangUp)

  function probe(): void {
    if (heard) {
      rest()
    } else {
      cancel = clock.after(timeoutMs, hangUp)
      connection.ping().then(rest, onError)
    }
  }
  function rest(): void {
    heard = false
    cancel()
    if (connection.status === 'ready') cancel = clock.after(probeMs, probe)
  }

  connection.on('error', onError)
  const onMessage = (channel: string, message: string): void => {
    heard = true
    options.onMessage(channel, message)
  }
  connection.on('message', onMessage)
  connection.on('smessage', onMessage)
  connection.on('moved', options.onMoved)
  connection.once('ready', () => {
    onUp()
    rest()
    options.onUp(connection)
  })
  connection.once('end', () => {
    cancel()
    options.onDown()
    onEnd()
  })
  // A failure is an `error` event too.
  connection.connect().catch(() => {})
}
