import { type Clock, type ReconnectData, wait } from '@trpc-sse/protocol'
import { type Connection, type ConnectionInfo, createConnection, type Traffic } from './connection.ts'
import type { Exchange } from './sink.ts'

/** What is served on a connection, as far as the link's timer and operators are concerned. */
export interface Served {
  /** The paths of its subscriptions, dotted. */
  readonly paths: readonly string[]
  /** How many subscriptions there are on it. */
  readonly subscriptions: number
  /** Shows the client that the connection is alive. */
  heartbeat(): void
  /** Asks the client to open a new stream in place of this one, which it may do after so many milliseconds. */
  reconnect(data: ReconnectData, retryMs: number): void
}

/** A connection with what is served on it. */
export interface OpenConnection<TServed extends Served = Served> {
  readonly connection: Connection
  readonly served: TServed
  /** Who holds it; `undefined` until that is known. */
  info: ConnectionInfo | undefined
}

/** What a link has served. */
export interface Counters {
  eventsSent: number
  bytesSent: number
  gaps: number
  /** Connections that were refused, for a limit or because the link drains. */
  refused: number
}

/** What the connections of a link are made of. */
export interface ConnectionsOptions {
  readonly clock: Clock
  /** Silence after which a connection shows that it is alive; `Infinity` for never. */
  readonly heartbeatMs: number
  /** How long a connection may last; `undefined` for ever. */
  readonly maxDurationMs: number | undefined
  readonly maxBufferedBytes: number
}

/** The connections of one link. */
export interface Connections {
  readonly counters: Counters
  readonly size: number
  /** Subscriptions on all of them. */
  readonly subscriptions: number
  readonly draining: boolean
  /** Adds the connection of an exchange; `served` makes what happens on it. */
  add<TServed extends Served>(
    exchange: Exchange,
    serve: (connection: Connection) => TServed,
  ): OpenConnection<TServed>
  disconnect(filter: (info: ConnectionInfo) => boolean, message: string | undefined): number
  /** Sends all clients away; resolves when all connections are over. */
  drain(overMs: number): Promise<void>
}

interface Entry {
  readonly open: OpenConnection
  /** When its client is sent away. */
  readonly leavesAt: number
  /** When it is ended, whatever its client does; `undefined` until its client is sent away. */
  endsAt: number | undefined
}

/** What a client that is sent away waits at most, so that not all come back at once. */
const spreadMs = 500
/** How long a stream goes on for a client that is sent away, so that the next one starts before this one ends. */
const graceMs = 5_000

/** Creates the connections of a link. One timer serves all of them, and it is there only while there are any. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { clock, heartbeatMs, maxDurationMs } = options
  const entries = new Set<Entry>()
  const counters: Counters = { eventsSent: 0, bytesSent: 0, gaps: 0, refused: 0 }
  const tickMs = Math.min(1_000, Math.max(10, Math.min(heartbeatMs, maxDurationMs ?? heartbeatMs) / 10))
  const traffic: Traffic = {
    maxBufferedBytes: options.maxBufferedBytes,
    now: clock.now,
    schedule: createScheduler(),
    onBytes(count) {
      counters.bytesSent += count
    },
  }
  const emptied: Array<() => void> = []
  let draining = false
  let ticking = false

  function tick(): void {
    const now = clock.now()
    for (const entry of entries) {
      const { connection, served } = entry.open
      if (entry.endsAt !== undefined && now >= entry.endsAt) connection.dismiss()
      else if (entry.endsAt === undefined && now >= entry.leavesAt)
        sendAway(entry, { reason: 'max-duration' })
      else if (
        connection.opened &&
        now - connection.activeAt >= heartbeatMs - tickMs / 2 &&
        !connection.isFull()
      )
        served.heartbeat()
    }
    ticking = false
    keepTicking()
  }

  function keepTicking(): void {
    if (ticking || entries.size === 0) return
    ticking = true
    clock.after(tickMs, tick)
  }

  function empty(): void {
    for (const resolve of emptied.splice(0)) resolve()
  }

  function sendAway(entry: Entry, data: ReconnectData): void {
    const { served, connection, info } = entry.open
    if (entry.endsAt !== undefined) return
    // Who may have no right to be here any more gets nothing more, and there is nothing to hand over of what has not begun.
    const handover = data.reason !== 'disconnect' && info !== undefined
    entry.endsAt = clock.now() + Math.min(graceMs, (maxDurationMs ?? Infinity) / 10)
    served.reconnect(data, Math.round(clock.random() * spreadMs))
    if (!handover) connection.dismiss()
  }

  return {
    counters,
    get size() {
      return entries.size
    },
    get subscriptions() {
      let count = 0
      for (const { open } of entries) count += open.served.subscriptions
      return count
    },
    get draining() {
      return draining
    },
    add(exchange, serve) {
      let entry: Entry | undefined
      const onClose = (): void => {
        if (entry) entries.delete(entry)
        if (entries.size === 0) empty()
      }
      const connection = createConnection(exchange, traffic, onClose)
      const open = { connection, served: serve(connection), info: undefined }
      // Not all that were opened together leave together; the last tenth of the time is for the handover.
      const lastsMs = maxDurationMs === undefined ? Infinity : maxDurationMs * (0.8 + clock.random() / 10)
      entry = { open, leavesAt: clock.now() + lastsMs, endsAt: undefined }
      // Who has left before we got here has no entry to be taken out again.
      if (!connection.signal.aborted) entries.add(entry)
      keepTicking()
      return open
    },
    disconnect(filter, message) {
      const matching = [...entries].filter(({ open: { info } }) => info !== undefined && filter(info))
      const data: ReconnectData = { reason: 'disconnect', ...(message === undefined ? {} : { message }) }
      for (const entry of matching) sendAway(entry, data)
      return matching.length
    },
    async drain(overMs) {
      draining = true
      const all = [...entries]
      for (const [index, entry] of all.entries()) {
        if (index > 0 && overMs > 0) await wait(clock, overMs / all.length)
        sendAway(entry, { reason: 'drain' })
      }
      if (entries.size > 0) await new Promise<void>((resolve) => emptied.push(resolve))
    },
  }
}

/** Calls back at the end of the tick: one microtask for all connections that have something to send. */
function createScheduler(): (flush: () => void) => void {
  let waiting: Array<() => void> = []
  return (flush) => {
    if (waiting.push(flush) > 1) return
    queueMicrotask(() => {
      const flushes = waiting
      waiting = []
      for (const each of flushes) each()
    })
  }
}
