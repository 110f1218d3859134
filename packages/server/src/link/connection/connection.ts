import { RealtimeError, type ReconnectData } from '@trpc-sse/protocol'
import type { ReadGroup } from '../../hub/reads.ts'
import type { Mutable } from '../../mutable.ts'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { logToConsole } from '../../user-code/calls.ts'
import type { SubscriptionRun } from '../call/subscription-call.ts'
import type { IncomingBody } from '../request/body.ts'
import type { PlaceHolder } from './limits.ts'
import type { Exchange, ResponseHead, Sink } from './response-writer.ts'
import type { Turns } from './turns.ts'

/** Who holds a connection and what for: what `connections()` lists, and `disconnect` filters by. */
export interface ConnectionInfo {
  /** Whose it is, as `connectionKey` tells; `undefined` if that tells nothing. */
  readonly key: string | undefined
  /** Where it comes from, if `key` tells nothing: the address, or the network (/64) for IPv6; `undefined` if that isn't known. */
  readonly address: string | undefined
  /** The paths of its subscriptions, dotted. */
  readonly paths: readonly string[]
  /** What `createContext` made. */
  readonly ctx: unknown
  /** When it was opened. */
  readonly openedAt: Date
  /** How many bytes wait in this process because the client doesn't read as fast as they come. */
  readonly bytesWaiting: number
}

/** What is served on a connection, as far as its link's timer and operators are concerned. */
export interface Served {
  /** The paths of its subscriptions, dotted. */
  paths(connection: Connection): readonly string[]
  /** How many subscriptions there are on it. */
  subscriptions(connection: Connection): number
  /** Shows the client that the connection is alive. */
  heartbeat(connection: Connection): void
  /** Asks the client to open a new stream in place of this one, which it may do after so many milliseconds. */
  reconnect(connection: Connection, data: ReconnectData, retryMs: number): void
  /** The connection is over. */
  close(connection: Connection): void
}

/**
 * One HTTP stream: bytes out, and word of when there is room and when it is over. A record with functions over it, as
 * there is one for each client: a closure for each of them would take more memory than all the rest.
 */
export interface Connection extends PlaceHolder {
  readonly traffic: Traffic
  /** The async context of the request that asked for it. */
  readonly context: AsyncContext
  /** Aborts when the connection is over, for whatever reason. */
  readonly over: AbortController
  readonly closed: boolean
  /** Starts the response, with what is needed only for that; `undefined` once it has started. */
  begin: (() => void) | undefined
  served: Served | undefined
  /** The only subscription, in the mode that has one. */
  run: SubscriptionRun | undefined
  /** When it was known who holds it, in milliseconds since 1970; `undefined` until then. */
  readonly openedAt: number | undefined
  /** Whose it is, as the app tells. */
  readonly key: string | undefined
  /** What `createContext` made. */
  readonly ctx: unknown
  /** When something was sent last, in elapsed milliseconds. */
  readonly activeAt: number
  /** How much earlier than the others of its link it shows that it is alive, in milliseconds. */
  heartbeatEarlyMs: number
  /** When its client is sent away, in elapsed milliseconds; `undefined` for never. */
  leavesAt: number | undefined
  /** When it is ended, whatever its client does, in elapsed milliseconds; `undefined` until its client is sent away. */
  endsAt: number | undefined
  /** The request, until it is answered; then where the answer goes. */
  readonly exchange: Exchange | undefined
  readonly sink: Sink | undefined
  /** What has arrived of the request's body, for as long as it counts. */
  body: IncomingBody | undefined
  /** What leaves at the end of this tick. */
  readonly pending: readonly Uint8Array[]
  readonly pendingBytes: number
  /** What waited in the sink when it was last asked: since then it can only have become less. */
  readonly waitingBytes: number
  /** Who waits for room, longest first. */
  readonly forRoom: Set<() => void> | undefined
  /** Told by the sink that there is room. */
  readonly onRoom: () => void
  /** On whose behalf its subscriptions read logs, once one does. */
  readGroup: ReadGroup | undefined
}

/** What the connections of a link have in common. */
export interface Traffic {
  /** Bytes that may wait for one client that doesn't read. */
  readonly maxBufferedBytes: number
  /** Channels that the subscriptions of one connection may read at a time. */
  readonly channelsPerConnection: number
  onBytes(count: number): void
  /** Time of day, in milliseconds since 1970. */
  now(): number
  /** Time since any fixed moment, in milliseconds. */
  elapsedMs(): number
  /** Connections take turns to load the snapshots of their live subscriptions. */
  readonly loads: Turns<Connection>
  /** Flushes the connection at the end of this tick. */
  schedule(connection: Connection): void
  /** Called once, when it is over. */
  onClose(connection: Connection): void
}

const nothing: readonly Uint8Array[] = []

/** Creates a connection. It isn't on the network before {@link open}; it is closed at once if the client has left. */
export function createConnection(exchange: Exchange, traffic: Traffic): Connection {
  const connection: Connection = {
    traffic,
    context: captureContext(),
    over: new AbortController(),
    closed: false,
    begin: undefined,
    served: undefined,
    run: undefined,
    openedAt: undefined,
    key: undefined,
    ctx: undefined,
    pendingAt: undefined,
    isConnection: false,
    openAt: undefined,
    activeAt: traffic.elapsedMs(),
    heartbeatEarlyMs: 0,
    leavesAt: undefined,
    endsAt: undefined,
    exchange,
    sink: undefined,
    body: undefined,
    pending: nothing,
    pendingBytes: 0,
    waitingBytes: 0,
    forRoom: undefined,
    onRoom: () => offerRoom(connection),
    readGroup: undefined,
  }
  exchange.onGone(() => close(connection))
  return connection
}

/** Says who holds it. */
export function hold(connection: Mutable<Connection>, key: string | undefined, ctx: unknown): void {
  connection.openedAt = connection.traffic.now()
  // Which may be another one since `createContext`.
  connection.context = captureContext()
  connection.key = key
  connection.ctx = ctx
}

/** Starts the response. */
export function open(connection: Mutable<Connection>, head: ResponseHead): void {
  if (connection.closed) return
  connection.sink = connection.exchange?.open(head, connection.onRoom)
  connection.exchange = undefined
}

/** Whether the response has started. */
export function isOpen({ sink }: Connection): boolean {
  return sink !== undefined
}

/** Sends bytes. Those of one tick leave in one write. */
export function send(connection: Mutable<Connection>, bytes: Uint8Array): void {
  connection.pendingBytes += bytes.length
  if (connection.pending === nothing) {
    connection.pending = [bytes]
    connection.activeAt = connection.traffic.elapsedMs()
    connection.traffic.schedule(connection)
  } else {
    ;(connection.pending as Uint8Array[]).push(bytes)
  }
}

/** Sends what waits for the end of the tick. */
export function flush(connection: Mutable<Connection>): void {
  const { sink, pending, pendingBytes, traffic } = connection
  if (sink === undefined || pending === nothing) return
  connection.pending = nothing
  connection.pendingBytes = 0
  if (connection.closed) return
  try {
    sink.network.write(sink, pending)
  } catch (cause) {
    breakOff(connection, sink, cause)
    return
  }
  connection.waitingBytes = sink.network.buffered(sink)
  traffic.onBytes(pendingBytes)
}

/** What wraps the response has thrown: that ends this stream, and not what its neighbours are sent in the same tick. */
function breakOff(connection: Connection, sink: Sink, cause: unknown): void {
  logToConsole('trpc-sse: A stream is cut, because what wraps its response threw', cause)
  try {
    sink.network.cut(sink)
  } finally {
    close(connection)
  }
}

/** How many bytes wait for the other end to read. */
export function bytesWaiting({ sink, pendingBytes }: Connection): number {
  return pendingBytes + (sink ? sink.network.buffered(sink) : 0)
}

/** Whether the other end is too far behind to be sent more. */
export function isFull(connection: Mutable<Connection>): boolean {
  const { sink, traffic } = connection
  const { maxBufferedBytes } = traffic
  if (connection.pendingBytes + connection.waitingBytes <= maxBufferedBytes) return false
  connection.waitingBytes = sink ? sink.network.buffered(sink) : 0
  return connection.pendingBytes + connection.waitingBytes > maxBufferedBytes
}

/** On whose behalf the subscriptions of a connection read logs. While it is full, nothing is read for it. */
export function readGroupOf(connection: Connection): ReadGroup {
  connection.readGroup ??= new ConnectionReads(connection)
  return connection.readGroup
}

class ConnectionReads implements ReadGroup {
  readonly #connection: Connection
  #channels = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  canRead(): boolean {
    return !isFull(this.#connection)
  }

  enter(): void {
    const { channelsPerConnection } = this.#connection.traffic
    if (this.#channels >= channelsPerConnection) throw tooManyChannels(channelsPerConnection)
    this.#channels += 1
  }

  leave(): void {
    this.#channels -= 1
  }

  turn(signal: AbortSignal): Promise<void> | undefined {
    return this.#connection.traffic.loads.enter(this.#connection, signal)
  }
}

function tooManyChannels(count: number): RealtimeError {
  const message = `The subscriptions of one connection read ${count} channels at a time, which is the limit (limits.channelsPerConnection). End some, or raise it.`
  return new RealtimeError('TOO_MANY_CHANNELS', message)
}

/** Calls back once there is room again, after those who have waited for longer. Whoever needs more then waits again. */
export function whenRoom(connection: Mutable<Connection>, callback: () => void): void {
  connection.forRoom ??= new Set()
  connection.forRoom.add(callback)
}

/**
 * Waits until there is room again, after those who have waited for longer, or until the signal aborts. Only `use` surely has
 * the room: when the promise resolves, those who came next may have filled it. Rejects with what `use` throws.
 */
export function room(connection: Connection, signal: AbortSignal, use?: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      connection.forRoom?.delete(take)
      resolve()
    }
    const take = (): void => {
      signal.removeEventListener('abort', leave)
      try {
        resolve(use?.())
      } catch (error) {
        reject(error)
      }
    }
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', leave, { once: true })
    whenRoom(connection, take)
  })
}

/**
 * One that is far behind takes no more than its turn, which is what fits into the buffer: then it waits again, behind
 * all others.
 */
function offerRoom(connection: Connection): void {
  const { forRoom } = connection
  if (forRoom === undefined) return
  for (const callback of [...forRoom]) {
    if (isFull(connection)) return
    if (forRoom.delete(callback)) callback()
  }
}

/** Ends the response after what was sent. */
export function end(connection: Connection): void {
  flush(connection)
  const { sink, closed } = connection
  try {
    if (sink && !closed) sink.network.end(sink)
  } catch (cause) {
    if (sink) breakOff(connection, sink, cause)
  }
  close(connection)
}

/** Ends the response, and does not wait for a client that doesn't read: what it lacks it gets when it resumes. */
export function dismiss(connection: Connection): void {
  flush(connection)
  const { sink } = connection
  if (sink && isFull(connection)) sink.network.cut(sink)
  end(connection)
}

function close(connection: Mutable<Connection>): void {
  if (connection.closed) return
  connection.closed = true
  connection.exchange = undefined
  connection.begin = undefined
  connection.body?.release()
  connection.traffic.onClose(connection)
  connection.context.runInAsyncScope(() => {
    connection.served?.close(connection)
    connection.over.abort()
  })
}
