import { type Clock, elapsedTime, type ReconnectData, wait } from '@trpc-sse/protocol'
import {
  bytesWaiting,
  type Connection,
  type ConnectionInfo,
  createConnection,
  dismiss,
  flush,
  isFull,
  isOpen,
  type Traffic,
} from './connection.ts'
import { createDisconnects, type DisconnectFilter, type Disconnects } from './disconnects.ts'
import { addressOf, type Limiter } from './limits.ts'
import type { Exchange } from './response-writer.ts'
import { createTurns } from './turns.ts'

/** What a link has served. */
export interface Counters {
  eventsSent: number
  bytesSent: number
  gaps: number
  /** Connections that were refused, for a limit or because the link drains. */
  refused: number
  /** Connections that were cut, as a subscription was too far behind. */
  cutOff: number
}

/** What the connections of a link are made of. */
export interface ConnectionsOptions {
  readonly clock: Clock
  /** Silence after which a connection shows that it is alive; `Infinity` for never. */
  readonly heartbeatMs: number
  /** How long a connection may last; `undefined` for ever. */
  readonly maxDurationMs: number | undefined
  readonly maxBufferedBytes: number
  readonly channelsPerConnection: number
  /** Where the places of those are given back that are over. */
  readonly limiter: Limiter
}

/** The connections of one link. */
export interface Connections {
  readonly counters: Counters
  readonly size: number
  /** Subscriptions on all of them. */
  readonly subscriptions: number
  readonly draining: boolean
  /** What was disconnected while contexts are made. */
  readonly disconnects: Disconnects
  /** Adds the connection of an exchange. */
  add(exchange: Exchange): Connection
  /** Ends a connection after so many milliseconds, if nothing else does before. */
  limit(connection: Connection, lastsMs: number): Promise<void>
  /** Tells of each that is open. */
  list(): ConnectionInfo[]
  disconnect(filter: DisconnectFilter, message: string | undefined): number
  /** Sends all clients away; resolves when all connections are over. */
  drain(overMs: number): Promise<void>
}

/** What a client that is sent away waits at most, so that not all come back at once. */
const spreadMs = 500
/** Multiples of it fall evenly between whole numbers, however many there are. */
const goldenRatio = (Math.sqrt(5) - 1) / 2
/** How long a stream goes on for a client that is sent away, so that the next one starts before this one ends. */
const graceMs = 5_000

/** Creates the connections of a link. One timer serves all of them, and it is there only while there are any. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { clock, heartbeatMs, maxDurationMs, limiter } = options
  const elapsedMs = elapsedTime(clock)
  const all = new Set<Connection>()
  const counters: Counters = { eventsSent: 0, bytesSent: 0, gaps: 0, refused: 0, cutOff: 0 }
  const tickMs = Math.min(
    250,
    Math.max(10, Math.min(heartbeatMs, maxDurationMs ?? heartbeatMs) / 40),
  )
  const traffic: Traffic = {
    maxBufferedBytes: options.maxBufferedBytes,
    channelsPerConnection: options.channelsPerConnection,
    now: clock.now,
    elapsedMs,
    loads: createTurns(clock),
    schedule: createScheduler(),
    onBytes(count) {
      counters.bytesSent += count
    },
    onClose(connection) {
      limiter.release(connection)
      all.delete(connection)
      if (all.size === 0) for (const resolve of emptied.splice(0)) resolve()
    },
  }
  const emptied: Array<() => void> = []
  const disconnects = createDisconnects()
  let phase = 0
  let draining = false
  let ticking = false

  function tick(): void {
    const now = elapsedMs()
    for (const connection of all) {
      const { endsAt, leavesAt = Infinity } = connection
      if (endsAt !== undefined && now >= endsAt) dismiss(connection)
      else if (endsAt === undefined && now >= leavesAt)
        sendAway(connection, { reason: 'max-duration' })
      else if (
        isOpen(connection) &&
        now - connection.activeAt >= heartbeatMs - connection.heartbeatEarlyMs - tickMs / 2 &&
        !isFull(connection)
      )
        connection.served?.heartbeat(connection)
    }
    ticking = false
    keepTicking()
  }

  /** Those that were opened, or were sent something, together have their heartbeats one after the other, within a third of the time. */
  function nextHeartbeatEarlyMs(): number {
    if (heartbeatMs === Infinity) return 0
    const early = Math.round(phase * (heartbeatMs / 3))
    phase = (phase + goldenRatio) % 1
    return early
  }

  function keepTicking(): void {
    if (ticking || all.size === 0) return
    ticking = true
    clock.after(tickMs, tick)
  }

  function sendAway(
    connection: Connection,
    data: ReconnectData,
    lastsMs = maxDurationMs ?? Infinity,
  ): void {
    if (connection.endsAt !== undefined || connection.closed) return
    // Who may have no right to be here any more gets nothing more, and there is nothing to hand over of what has not begun.
    const handover = data.reason !== 'disconnect' && connection.openedAt !== undefined
    connection.endsAt = elapsedMs() + Math.min(graceMs, lastsMs / 10)
    connection.served?.reconnect(connection, data, Math.round(clock.random() * spreadMs))
    if (!handover) dismiss(connection)
  }

  /** Sends away who is there, evenly over a time. Timers are no finer than a millisecond: each has as many as are due by then. */
  async function sendAllAway(overMs: number): Promise<void> {
    const leaving = [...all]
    const startedAt = elapsedMs()
    const everyMs = Math.max(1, Math.ceil(overMs / leaving.length))
    for (let gone = 0; gone < leaving.length; ) {
      if (gone > 0) await wait(clock, everyMs)
      if (all.size === 0) return
      const due =
        overMs > 0
          ? 1 + Math.floor(((elapsedMs() - startedAt) * leaving.length) / overMs)
          : leaving.length
      const until = Math.max(gone + 1, due)
      for (const connection of leaving.slice(gone, until)) sendAway(connection, { reason: 'drain' })
      gone = until
    }
  }

  return {
    counters,
    disconnects,
    get size() {
      return all.size
    },
    get subscriptions() {
      let count = 0
      for (const connection of all) count += connection.served?.subscriptions(connection) ?? 0
      return count
    },
    get draining() {
      return draining
    },
    add(exchange) {
      const connection = createConnection(exchange, traffic)
      connection.heartbeatEarlyMs = nextHeartbeatEarlyMs()
      // Who has left before we got here would never be taken out again.
      if (connection.closed) return connection
      // Not all that were opened together leave together; the last tenth of the time is for the handover.
      if (maxDurationMs !== undefined)
        connection.leavesAt = elapsedMs() + maxDurationMs * (0.8 + clock.random() / 10)
      all.add(connection)
      keepTicking()
      return connection
    },
    list: () => [...all].flatMap((connection) => infoOf(connection) ?? []),
    async limit(connection, lastsMs) {
      const { signal } = connection.over
      await wait(clock, lastsMs * 0.9, signal)
      sendAway(connection, { reason: 'max-duration' }, lastsMs)
      // In time, not at the next tick: its client may get all of it only when it has ended.
      await wait(clock, lastsMs / 10, signal)
      if (!connection.closed) dismiss(connection)
    },
    disconnect(filter, message) {
      const matching = [...all].filter((connection) => {
        const info = infoOf(connection)
        return info !== undefined && filter(info)
      })
      // After it was used: one that throws is for nobody.
      disconnects.record(filter)
      const data: ReconnectData = {
        reason: 'disconnect',
        ...(message === undefined ? {} : { message }),
      }
      for (const connection of matching) sendAway(connection, data)
      return matching.length
    },
    async drain(overMs) {
      draining = true
      if (all.size === 0) return
      const over = new Promise<void>((resolve) => emptied.push(resolve))
      // Where all have left before their turn, there is nobody to take the time for.
      await Promise.race([over, sendAllAway(overMs).then(() => over)])
    },
  }
}

/** What is told of a connection; `undefined` until it is known who holds it. */
function infoOf(connection: Connection): ConnectionInfo | undefined {
  const { key, ctx, openedAt } = connection
  if (openedAt === undefined) return undefined
  const paths = connection.served?.paths(connection) ?? []
  return {
    key,
    address: addressOf(connection.openAt),
    ctx,
    paths,
    openedAt: new Date(openedAt),
    bytesWaiting: bytesWaiting(connection),
  }
}

/** Flushes at the end of the tick: one microtask for all connections that have something to send. */
function createScheduler(): Traffic['schedule'] {
  let waiting: Connection[] = []
  return (connection) => {
    if (waiting.push(connection) > 1) return
    queueMicrotask(() => {
      const all = waiting
      waiting = []
      for (const each of all) flush(each)
    })
  }
}
