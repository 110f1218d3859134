import { type Clock, type ReconnectData, wait } from '@trpc-sse/protocol'
import { type Connection, type ConnectionInfo, createConnection } from './connection.ts'
import type { Exchange } from './sink.ts'

/** What is served on a connection, as far as the link's timer and operators are concerned. */
export interface Served {
  /** Shows the client that the connection is alive. */
  heartbeat(): void
  /** Asks the client to open a new stream, which it may do after so many milliseconds, and ends this one. */
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
  readonly draining: boolean
  /** Adds the connection of an exchange; `served` makes what happens on it. */
  add<TServed extends Served>(
    exchange: Exchange,
    serve: (connection: Connection) => TServed,
  ): OpenConnection<TServed>
  disconnect(filter: (info: ConnectionInfo) => boolean, message: string | undefined): number
  drain(overMs: number): Promise<void>
}

interface Entry {
  readonly open: OpenConnection
  readonly endsAt: number
}

/** What a client that is sent away waits at most, so that not all come back at once. */
const spreadMs = 500

/** Creates the connections of a link. One timer serves all of them, and it is there only while there are any. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { clock, heartbeatMs, maxDurationMs } = options
  const entries = new Set<Entry>()
  const counters: Counters = { eventsSent: 0, bytesSent: 0, gaps: 0, refused: 0 }
  const tickMs = Math.min(1_000, Math.max(10, Math.min(heartbeatMs, maxDurationMs ?? heartbeatMs) / 10))
  const schedule = createScheduler()
  let draining = false
  let ticking = false

  function tick(): void {
    const now = clock.now()
    for (const { open, endsAt } of entries) {
      const { connection, served } = open
      if (now >= endsAt) sendAway(open, { reason: 'max-duration' })
      else if (connection.opened && !connection.full && now - connection.activeAt >= heartbeatMs - tickMs / 2)
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

  function onBytes(count: number): void {
    counters.bytesSent += count
  }

  function sendAway({ served }: OpenConnection, data: ReconnectData): void {
    served.reconnect(data, Math.round(clock.random() * spreadMs))
  }

  return {
    counters,
    get size() {
      return entries.size
    },
    get draining() {
      return draining
    },
    add(exchange, serve) {
      let entry: Entry | undefined
      const onClose = (): void => {
        if (entry) entries.delete(entry)
      }
      const traffic = { now: clock.now, schedule, onBytes, onClose }
      const connection = createConnection(exchange, traffic, options.maxBufferedBytes)
      const open = { connection, served: serve(connection), info: undefined }
      // Not all that were opened together end together: each lasts 90 to 100 % of the time.
      const lastsMs = maxDurationMs === undefined ? Infinity : maxDurationMs * (0.9 + clock.random() / 10)
      entry = { open, endsAt: clock.now() + lastsMs }
      // Who has left before we got here has no entry to be taken out again.
      if (!connection.signal.aborted) entries.add(entry)
      keepTicking()
      return open
    },
    disconnect(filter, message) {
      const matching = [...entries].filter(({ open: { info } }) => info !== undefined && filter(info))
      const data: ReconnectData = { reason: 'disconnect', ...(message === undefined ? {} : { message }) }
      for (const { open } of matching) sendAway(open, data)
      return matching.length
    },
    async drain(overMs) {
      draining = true
      const all = [...entries]
      for (const [index, { open }] of all.entries()) {
        if (index > 0 && overMs > 0) await wait(clock, overMs / all.length)
        sendAway(open, { reason: 'drain' })
      }
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
