import type { Mutable } from '../mutable.ts'
import type { Exchange, ResponseHead, Sink } from './sink.ts'

/** Who holds a connection and what for: what `disconnect` filters by. */
export interface ConnectionInfo {
  /** What connections are limited by: the user as `connectionKey` tells, else the address. */
  readonly key: string
  /** The paths of its subscriptions, dotted. */
  readonly paths: readonly string[]
  /** What `createContext` made. */
  readonly ctx: unknown
  /** When it was opened. */
  readonly openedAt: Date
}

/** One HTTP stream: bytes out, and word of when there is room and when it is over. */
export interface Connection {
  /** Starts the response. */
  open(head: ResponseHead): void
  /** Whether the response has started. */
  readonly opened: boolean
  /** Sends bytes. Those of one tick leave in one write. */
  send(bytes: Uint8Array): void
  /** Whether the other end is too far behind to be sent more. */
  isFull(): boolean
  /** Calls back each time there is room again. There is one such callback. */
  onRoom(callback: () => void): void
  /** Ends the response after what was sent. */
  end(): void
  /** Ends the response, and does not wait for a client that doesn't read: what it lacks it gets when it resumes. */
  dismiss(): void
  /** Aborts when the connection is over, for whatever reason. */
  readonly signal: AbortSignal
  /** When something was sent last, in milliseconds since 1970. */
  readonly activeAt: number
}

/** What the connections of a link have in common. */
export interface Traffic {
  /** Bytes that may wait for one client that doesn't read. */
  readonly maxBufferedBytes: number
  onBytes(count: number): void
  now(): number
  /** Calls back at the end of this tick. */
  schedule(flush: () => void): void
}

/** Creates a connection; `onClose` is called once, when it is over. It isn't on the network before `open`. */
export function createConnection(exchange: Exchange, traffic: Traffic, onClose: () => void): Connection {
  const over = new AbortController()
  let sink: Sink | undefined
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  // What waited in the sink when it was last asked: since then it can only have become less.
  let waiting = 0
  let closed = false
  let room = (): void => {}

  function flush(): void {
    if (sink === undefined || pending.length === 0) return
    const chunk = join(pending)
    pending = []
    pendingBytes = 0
    if (closed) return
    sink.write(chunk)
    waiting = sink.buffered()
    traffic.onBytes(chunk.length)
  }

  function isFull(): boolean {
    if (pendingBytes + waiting <= traffic.maxBufferedBytes) return false
    waiting = sink?.buffered() ?? 0
    return pendingBytes + waiting > traffic.maxBufferedBytes
  }

  function end(): void {
    flush()
    if (!closed) sink?.end()
    close()
  }

  function close(): void {
    if (closed) return
    closed = true
    over.abort()
    onClose()
  }

  const connection: Mutable<Connection> = {
    signal: over.signal,
    opened: false,
    activeAt: traffic.now(),
    isFull,
    open(head) {
      if (closed) return
      sink = exchange.open(head, () => room())
      connection.opened = true
    },
    send(bytes) {
      pendingBytes += bytes.length
      if (pending.push(bytes) > 1) return
      connection.activeAt = traffic.now()
      traffic.schedule(flush)
    },
    onRoom(callback) {
      room = callback
    },
    end,
    dismiss() {
      flush()
      if (isFull()) sink?.cut()
      end()
    },
  }
  exchange.onGone(close)
  return connection
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only) return only
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.length
  }
  return joined
}
