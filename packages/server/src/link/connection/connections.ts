import type { TRPCError } from '@trpc/server'
import { type Clock, elapsedTime, type ReconnectData, wait } from '@trpc-sse/protocol'
import type { Tracer } from '../../user-code/tracer.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { connectionInfo } from './connection-info.ts'
import { type Counters, createCounters } from './counters.ts'
import { type ConnectionInfo, type DisconnectFilter, Disconnects } from './disconnects.ts'
import type { Limiter } from './limiter.ts'
import { RareWriter } from './rare-writer.ts'
import { expiredError, limitFact } from './refusals.ts'
import type { ResponseWriter } from './response-writer.ts'
import { Turns } from './turns.ts'

/** Options of {@link Connections}. */
export interface ConnectionsOptions {
  readonly clock: Clock
  /**
   * The silence after which a connection sends a ping, in milliseconds; `Infinity` for no pings.
   */
  readonly heartbeatMs: number
  /** The maximum duration of a connection, in milliseconds; `undefined` for no limit. */
  readonly maxDurationMs: number | undefined
  readonly maxBufferedBytes: number
  readonly channelsPerConnection: number
  /** Counts connections until they are closed. */
  readonly limiter: Limiter
  readonly tracer: Tracer
}

/** The longest wait of a client before it reconnects elsewhere, so that not all arrive at once. */
const maxReconnectMs = 500
/** The fractional parts of its multiples are spread evenly, however many there are. */
const goldenRatio = (Math.sqrt(5) - 1) / 2
/**
 * The time that a stream continues after its client was asked to reconnect, so that the new stream
 * starts before the old one ends.
 */
const graceMs = 5_000
/** The time over which clients are spread whose access must be checked again, in milliseconds. */
const rollOverMs = 30_000

/**
 * The connections of one link. A single timer serves all of them, and runs only while there are
 * any.
 */
export class Connections {
  readonly counters: Counters = createCounters()
  /** Disconnects that apply to requests whose context is being created. */
  /** The connections that are short because something holds their responses back. */
  readonly short: WeakSet<Connection> = new WeakSet()
  readonly disconnects: Disconnects = new Disconnects()
  readonly #options: ConnectionsOptions
  readonly #elapsedMs: () => number
  readonly #shared: ConnectionOptions
  readonly #tickMs: number
  readonly #all = new Set<Connection>()
  /** Callbacks to call when the last connection closes. */
  #onEmpty: Array<() => void> = []
  #heartbeatPhase = 0
  #isDraining = false
  #isTicking = false

  constructor(options: ConnectionsOptions) {
    const { clock, heartbeatMs, maxDurationMs = heartbeatMs } = options
    this.#options = options
    this.#elapsedMs = elapsedTime(clock)
    this.#tickMs = Math.min(250, Math.max(10, Math.min(heartbeatMs, maxDurationMs) / 40))
    this.#shared = {
      maxBufferedBytes: options.maxBufferedBytes,
      channelsPerConnection: options.channelsPerConnection,
      now: () => clock.now(),
      elapsedMs: this.#elapsedMs,
      loads: new Turns(clock),
      scheduleFlush: createFlusher(),
      onBytes: (count) => {
        this.counters.bytesSent += count
      },
      onClose: (connection) => this.#remove(connection),
    }
  }

  get size(): number {
    return this.#all.size
  }

  get subscriptions(): number {
    let count = 0
    for (const { stream } of this.#all) count += stream?.subscriptionCount() ?? 0
    return count
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Adds the connection of one response. */
  add(writer: ResponseWriter): Connection {
    const { maxDurationMs, clock } = this.#options
    const connection = new Connection(
      clock.rare ? new RareWriter(writer, clock) : writer,
      this.#shared,
    )
    connection.heartbeatEarlyMs = this.#nextHeartbeatEarlyMs()
    // The client may already be gone; adding the connection now would leak it.
    if (connection.isClosed) return connection
    // A random time, so that connections that were opened together don't end together. The last
    // tenth is for the handover.
    if (maxDurationMs !== undefined)
      connection.leavesAtMs = this.#elapsedMs() + maxDurationMs * (0.8 + clock.random() / 10)
    this.#all.add(connection)
    this.#keepTicking()
    return connection
  }

  /** All connections, also those whose owner isn't known yet. */
  get all(): ReadonlySet<Connection> {
    return this.#all
  }

  /** Lists the connections whose owner is known. */
  list(): ConnectionInfo[] {
    return [...this.#all].flatMap((connection) => connectionInfo(connection) ?? [])
  }

  /** Ends a connection after `durationMs`, unless it ends earlier. */
  async limit(connection: Connection, durationMs: number): Promise<void> {
    const { clock } = this.#options
    const { signal } = connection.over
    this.short.add(connection)
    await wait(clock, durationMs * 0.9, signal)
    this.#sendAway(connection, { reason: 'max-duration' }, durationMs)
    // Don't wait for the next tick: some clients get a response only after its end.
    await wait(clock, durationMs / 10, signal)
    if (!connection.isClosed) connection.dismiss()
  }

  /**
   * Moves the client of a connection to a new stream before its access ends. Throws UNAUTHORIZED if
   * there is no time for that.
   */
  expire(connection: Connection, expiresAtMs: number): void {
    const leftMs = expiresAtMs - this.#options.clock.now()
    if (leftMs <= graceMs) throw expiredError()
    const leavesAtMs = this.#elapsedMs() + leftMs - graceMs
    connection.leavesAtMs = Math.min(leavesAtMs, connection.leavesAtMs ?? Infinity)
  }

  /** Counts a refused request for a stream. */
  refused(error: TRPCError, path: string | undefined): void {
    this.counters.refused += 1
    const { tracer } = this.#options
    if (!tracer.isOn) return
    const { code, message } = error
    const facts = { code, message, ...limitFact(error) }
    tracer.report('refused', path === undefined ? facts : { ...facts, path })
  }

  /** Ends the matching connections, so that their clients reconnect. Returns their number. */
  disconnect(filter: DisconnectFilter, message: string | undefined): number {
    const matching = [...this.#all].filter((connection) => {
      const info = connectionInfo(connection)
      return info !== undefined && filter(info)
    })
    // Recorded after the calls, so that a filter that throws isn't applied to any request.
    this.disconnects.record(filter)
    const data: ReconnectData = { reason: 'disconnect', ...(message !== undefined && { message }) }
    for (const connection of matching) this.#sendAway(connection, data)
    return matching.length
  }

  /**
   * Asks all clients to reconnect elsewhere, spread over `overMs`. Resolves when all connections
   * are closed.
   */
  async drain(overMs: number): Promise<void> {
    this.#isDraining = true
    if (this.#all.size === 0) return
    const empty = new Promise<void>((resolve) => this.#onEmpty.push(resolve))
    // Stop waiting if all clients leave before their turn.
    await Promise.race([empty, this.#sendAllAway(overMs, { reason: 'drain' }).then(() => empty)])
  }

  /** Moves all clients to new streams within half a minute, so that their access is checked again. */
  rollOver(): void {
    void this.#sendAllAway(rollOverMs, { reason: 'max-duration' })
  }

  #remove(connection: Connection): void {
    const { limiter, tracer } = this.#options
    limiter.release(connection)
    connection.keyHold?.release()
    this.#all.delete(connection)
    const { number, key, openedAt } = connection
    if (tracer.isOn && openedAt !== undefined) tracer.report('closed', { stream: number, key })
    if (this.#all.size > 0) return
    const callbacks = this.#onEmpty
    this.#onEmpty = []
    for (const callback of callbacks) callback()
  }

  #keepTicking(): void {
    if (this.#isTicking || this.#all.size === 0) return
    this.#isTicking = true
    this.#options.clock.after(this.#tickMs, () => this.#tick())
  }

  #tick(): void {
    const { clock } = this.#options
    const nowMs = this.#elapsedMs()
    for (const connection of this.#all) {
      const { endsAtMs, leavesAtMs = Infinity } = connection
      if (endsAtMs !== undefined && nowMs >= endsAtMs) connection.dismiss()
      else if (endsAtMs === undefined && (nowMs >= leavesAtMs || clock.rare?.('early handover')))
        this.#sendAway(connection, { reason: 'max-duration' })
      else if (this.#needsHeartbeat(connection, nowMs)) connection.stream?.heartbeat()
    }
    this.#isTicking = false
    this.#keepTicking()
  }

  #needsHeartbeat(connection: Connection, nowMs: number): boolean {
    const dueMs = this.#options.heartbeatMs - connection.heartbeatEarlyMs - this.#tickMs / 2
    return (
      connection.isStarted &&
      nowMs - connection.activeAtMs >= dueMs &&
      !connection.isBackpressured()
    )
  }

  /**
   * Spreads heartbeats over a third of their interval, as many connections may have been silent
   * since the same moment.
   */
  #nextHeartbeatEarlyMs(): number {
    const { heartbeatMs } = this.#options
    if (heartbeatMs === Infinity) return 0
    const earlyMs = Math.round(this.#heartbeatPhase * (heartbeatMs / 3))
    this.#heartbeatPhase = (this.#heartbeatPhase + goldenRatio) % 1
    return earlyMs
  }

  #sendAway(
    connection: Connection,
    data: ReconnectData,
    durationMs = this.#options.maxDurationMs ?? Infinity,
  ): void {
    if (connection.endsAtMs !== undefined || connection.isClosed) return
    connection.endsAtMs = this.#elapsedMs() + Math.min(graceMs, durationMs / 10)
    const retryMs = Math.round(this.#options.clock.random() * maxReconnectMs)
    // A handover needs an open stream, and a client that may still receive events.
    const { tracer } = this.#options
    if (tracer.isOn) tracer.report('moved', { stream: connection.number, reason: data.reason })
    const canHandOver = data.reason !== 'disconnect' && connection.openedAt !== undefined
    // At a limit, the new stream must find room while this one continues.
    this.#options.limiter.replace(connection)
    connection.keyHold?.release()
    connection.stream?.reconnect(data, retryMs)
    if (!canHandOver) connection.dismiss()
  }

  /**
   * Asks clients to reconnect at an even rate. Timers have a resolution of a millisecond, so each
   * one handles all clients that are due.
   */
  async #sendAllAway(overMs: number, data: ReconnectData): Promise<void> {
    const leaving = [...this.#all]
    const startedAtMs = this.#elapsedMs()
    const everyMs = Math.max(1, Math.ceil(overMs / leaving.length))
    for (let gone = 0; gone < leaving.length; ) {
      if (gone > 0) await wait(this.#options.clock, everyMs)
      if (this.#all.size === 0) return
      const elapsedMs = this.#elapsedMs() - startedAtMs
      const due =
        overMs > 0 ? 1 + Math.floor((elapsedMs * leaving.length) / overMs) : leaving.length
      const until = Math.max(gone + 1, due)
      for (const connection of leaving.slice(gone, until)) this.#sendAway(connection, data)
      gone = until
    }
  }
}

/** Flushes at the end of the tick, in one microtask for all connections with pending data. */
function createFlusher(): ConnectionOptions['scheduleFlush'] {
  let scheduled: Connection[] = []
  return (connection) => {
    if (scheduled.push(connection) > 1) return
    queueMicrotask(() => {
      const connections = scheduled
      scheduled = []
      for (const each of connections) each.flush()
    })
  }
}
