import type { ReadGroup } from '../../hub/reads.ts'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { logToConsole } from '../../user-code/calls.ts'
import type { IncomingBody } from '../request/body.ts'
import { nextConnectionNumber } from './connection-number.ts'
import type { KeyHold } from './key-hold.ts'
import type { SlotHolder, Tally } from './limiter.ts'
import { ConnectionReadGroup, type GroupOptions } from './read-group.ts'
import type { ResponseHead, ResponseWriter } from './response-writer.ts'
import type { StreamHandler } from './stream-handler.ts'

/** The options and callbacks that all connections of a link share. */
export interface ConnectionOptions extends GroupOptions {
  /** The maximum number of bytes that may wait for one slow client. */
  readonly maxBufferedBytes: number
  /** The time of day, in milliseconds since 1970. */
  now(): number
  /** The time since any fixed moment, in milliseconds. */
  elapsedMs(): number
  /** Called with the number of bytes that were sent. */
  onBytes(count: number): void
  /** Flushes the connection at the end of this tick. */
  scheduleFlush(connection: Connection): void
  /** Called once, when the connection is closed. */
  onClose(connection: Connection): void
}

const nothing: Uint8Array[] = []

/**
 * One HTTP stream. It sends bytes, and notifies when the client can take more and when it is gone.
 * There is one for each client, so avoid closures here: each takes about 100 bytes.
 */
export class Connection implements SlotHolder {
  /** The number of the connection in its process, for traces. */
  readonly number: number = nextConnectionNumber()
  requestTally: Tally | undefined = undefined
  connectionTally: Tally | undefined = undefined
  hasSlot = false
  isReplaced = false
  /** What the connection and its subscriptions use of their key's limits, if it has a key. */
  keyHold: KeyHold | undefined = undefined
  /** How many milliseconds early heartbeats are sent. It differs between connections. */
  heartbeatEarlyMs = 0
  /** The time at which the client is asked to reconnect, in elapsed milliseconds, if ever. */
  leavesAtMs: number | undefined = undefined
  /** The time of the end, in elapsed milliseconds; set when the client is asked to reconnect. */
  endsAtMs: number | undefined = undefined
  /** Serves the stream. */
  stream: StreamHandler | undefined = undefined
  /** Starts the response or answers without a stream; `undefined` once that is done. */
  answer: (() => void) | undefined = undefined
  /** The request's body, while its bytes count. */
  body: IncomingBody | undefined = undefined
  /** Aborts when the connection is closed, for any reason. */
  readonly over: AbortController = new AbortController()
  readonly #options: ConnectionOptions
  #writer: ResponseWriter
  readonly #onDrain: () => void
  #context: AsyncContext = captureContext()
  #state: 'waiting' | 'started' | 'closed' = 'waiting'
  #openedAt: number | undefined = undefined
  #key: string | undefined = undefined
  #ctx: unknown = undefined
  #activeAtMs: number
  /** The bytes to send at the end of this tick. */
  #pending = nothing
  #pendingBytes = 0
  /** The writer's buffered bytes at the last check. Without a write, they only decrease. */
  #bufferedBytes = 0
  /** The callbacks that wait until the client can take more, longest wait first. */
  #waiting: Set<() => void> | undefined = undefined
  #readGroup: ReadGroup | undefined = undefined

  /** Creates a connection. It is closed immediately if the client is already gone. */
  constructor(writer: ResponseWriter, options: ConnectionOptions) {
    this.#writer = writer
    this.#options = options
    this.#activeAtMs = options.elapsedMs()
    // Bound functions take less memory than arrow functions with their context.
    this.#onDrain = this.#offerTurns.bind(this)
    writer.onceClosed(this.#close.bind(this))
  }

  /** The async context of the request that opened the connection. */
  get context(): AsyncContext {
    return this.#context
  }

  /** Whether the response has started and has not ended. */
  get isStarted(): boolean {
    return this.#state === 'started'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** When the owner became known, in milliseconds since 1970; `undefined` until then. */
  get openedAt(): number | undefined {
    return this.#openedAt
  }

  /** The owner that the app's `connectionKey` returned. */
  get key(): string | undefined {
    return this.#key
  }

  /** The result of `createContext`. */
  get ctx(): unknown {
    return this.#ctx
  }

  /** The time of the last send, in elapsed milliseconds. */
  get activeAtMs(): number {
    return this.#activeAtMs
  }

  /** The number of bytes that wait for the client to read. */
  get bytesWaiting(): number {
    return this.#pendingBytes + (this.isStarted ? this.#writer.bufferedBytes() : 0)
  }

  /** The group in which the subscriptions read logs. */
  get readGroup(): ReadGroup {
    this.#readGroup ??= new ConnectionReadGroup(this, this.#options)
    return this.#readGroup
  }

  /** Returns the time of day, in milliseconds since 1970. */
  now(): number {
    return this.#options.now()
  }

  /** Sets the owner, once the app has returned the key. */
  setOwner(key: string | undefined, ctx: unknown): void {
    this.#openedAt = this.#options.now()
    // `createContext` may have entered another context.
    this.#context = captureContext()
    this.#key = key
    this.#ctx = ctx
  }

  /** Starts the response. */
  start(head: ResponseHead): void {
    if (this.#state !== 'waiting') return
    this.#writer.start(head, this.#onDrain)
    this.#state = 'started'
  }

  /** Sends bytes. All bytes of one tick are sent in one write. */
  send(bytes: Uint8Array): void {
    this.#pendingBytes += bytes.length
    if (this.#pending !== nothing) {
      this.#pending.push(bytes)
      return
    }
    this.#pending = [bytes]
    this.#activeAtMs = this.#options.elapsedMs()
    this.#options.scheduleFlush(this)
  }

  /** Sends pending bytes now instead of at the end of the tick. */
  flush(): void {
    if (this.#state === 'waiting' || this.#pending === nothing) return
    const chunks = this.#pending
    const count = this.#pendingBytes
    this.#pending = nothing
    this.#pendingBytes = 0
    if (this.#state === 'closed') return
    try {
      this.#writer.write(chunks)
    } catch (cause) {
      this.#breakOff(cause)
      return
    }
    this.#bufferedBytes = this.#writer.bufferedBytes()
    this.#options.onBytes(count)
  }

  /** Whether so many bytes wait for the client that no more may be sent. */
  isBackpressured(): boolean {
    const { maxBufferedBytes } = this.#options
    if (this.#pendingBytes + this.#bufferedBytes <= maxBufferedBytes) return false
    this.#bufferedBytes = this.isStarted ? this.#writer.bufferedBytes() : 0
    return this.#pendingBytes + this.#bufferedBytes > maxBufferedBytes
  }

  /**
   * Calls `callback` once when the client can take more, after callbacks that have waited longer. A
   * callback with more to send must call this again.
   */
  onceWritable(callback: () => void): void {
    this.#waiting ??= new Set()
    this.#waiting.add(callback)
  }

  /** Removes a callback that was passed to {@link onceWritable}. */
  stopWaiting(callback: () => void): void {
    this.#waiting?.delete(callback)
  }

  /**
   * Runs `use` when the client can take more, or resolves when the signal aborts. Rejects with the
   * error of `use`.
   *
   * Send within `use`: by the time the promise resolves, other callbacks may have filled the
   * buffer.
   */
  whenWritable(signal: AbortSignal, use?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.stopWaiting(proceed)
        resolve()
      }
      const proceed = (): void => {
        signal.removeEventListener('abort', stop)
        try {
          resolve(use?.())
        } catch (error) {
          reject(error)
        }
      }
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', stop, { once: true })
      this.onceWritable(proceed)
    })
  }

  /** Ends the response after all sent bytes. */
  end(): void {
    this.flush()
    try {
      if (this.isStarted) this.#writer.end()
    } catch (cause) {
      this.#breakOff(cause)
    }
    this.#close()
  }

  /**
   * Ends the response without waiting for a slow client, which gets missing events when it resumes.
   */
  dismiss(): void {
    this.flush()
    if (this.isStarted && this.isBackpressured()) this.#writer.abort()
    this.end()
  }

  /** Ends the stream as a network failure does: without a message, and without what waits. */
  abort(): void {
    try {
      this.#writer.abort()
    } finally {
      this.#close()
    }
  }

  /** Replaces the writer with the one that `wrap` returns. */
  intercept(wrap: (writer: ResponseWriter, onDrain: () => void) => ResponseWriter): void {
    this.#writer = wrap(this.#writer, this.#onDrain)
  }

  /**
   * Gives each waiting callback one turn. A subscription that is far behind fills the buffer in its
   * turn, and then waits again behind all others.
   */
  #offerTurns(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    // Callbacks that are added during this loop have already had their turn.
    let turns = waiting.size
    for (const callback of waiting) {
      if (turns-- === 0 || this.isBackpressured()) return
      waiting.delete(callback)
      callback()
    }
  }

  /** Ends only this stream. Other streams still get their bytes of the same tick. */
  #breakOff(cause: unknown): void {
    logToConsole('trpc-sse: A stream was cut because a wrapper of its response threw', cause)
    this.abort()
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.answer = undefined
    this.body?.release()
    this.#options.onClose(this)
    this.#context.runInAsyncScope(() => {
      // One error for all signals: an error takes longer to create than the rest of the close.
      const reason = new DOMException('This operation was aborted', 'AbortError')
      this.stream?.close(reason)
      this.over.abort(reason)
    })
  }
}
