import type { ReadGroup } from '../../hub/reads.ts'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { logToConsole } from '../../user-code/calls.ts'
import type { IncomingBody } from '../request/body.ts'
import type { SlotHolder, Tally } from './limiter.ts'
import { ConnectionReadGroup, type GroupOptions } from './read-group.ts'
import type { ResponseHead, ResponseWriter } from './response-writer.ts'
import type { StreamHandler } from './stream-handler.ts'

/** What the connections of a link have in common. */
export interface ConnectionOptions extends GroupOptions {
  /** How many bytes may wait for one client that doesn't read. */
  readonly maxBufferedBytes: number
  /** The time of day, in milliseconds since 1970. */
  now(): number
  /** The time since any fixed moment, in milliseconds. */
  elapsedMs(): number
  /** Counts bytes that were sent. */
  onBytes(count: number): void
  /** Flushes the connection at the end of this tick. */
  scheduleFlush(connection: Connection): void
  /** Called once, when the connection is closed. */
  onClose(connection: Connection): void
}

const nothing: Uint8Array[] = []

/**
 * One HTTP stream: sends bytes, and tells when the client can take more and when it is gone. There
 * is one for each client. Add no closure to it without need: each takes about 100 bytes.
 */
export class Connection implements SlotHolder {
  requestTally: Tally | undefined = undefined
  connectionTally: Tally | undefined = undefined
  hasSlot = false
  /**
   * How much earlier than the link's other connections it sends its heartbeats, in milliseconds.
   */
  heartbeatEarlyMs = 0
  /** When its client is sent away, in elapsed milliseconds; `undefined` for never. */
  leavesAtMs: number | undefined = undefined
  /** When it is ended, in elapsed milliseconds; `undefined` until its client is sent away. */
  endsAtMs: number | undefined = undefined
  /** Serves its stream. */
  stream: StreamHandler | undefined = undefined
  /** Starts the response or answers without a stream; `undefined` once that is done. */
  answer: (() => void) | undefined = undefined
  /** What has arrived of the request's body, for as long as its bytes count. */
  body: IncomingBody | undefined = undefined
  /** Aborts when the connection is closed, for whatever reason. */
  readonly over: AbortController = new AbortController()
  readonly #options: ConnectionOptions
  readonly #writer: ResponseWriter
  readonly #onDrain: () => void
  #context: AsyncContext = captureContext()
  #state: 'waiting' | 'started' | 'closed' = 'waiting'
  #openedAt: number | undefined = undefined
  #key: string | undefined = undefined
  #ctx: unknown = undefined
  #activeAtMs: number
  /** What is sent at the end of this tick. */
  #pending = nothing
  #pendingBytes = 0
  /** What the writer buffered when it was last asked: since then that can only have become less. */
  #bufferedBytes = 0
  /** What waits until the client can take more, longest first. */
  #waiting: Set<() => void> | undefined = undefined
  #readGroup: ReadGroup | undefined = undefined

  /** It is closed at once if the client is gone already. */
  constructor(writer: ResponseWriter, options: ConnectionOptions) {
    this.#writer = writer
    this.#options = options
    this.#activeAtMs = options.elapsedMs()
    // Bound functions take less memory than arrow functions, with their context.
    this.#onDrain = this.#offerTurns.bind(this)
    writer.onceClosed(this.#close.bind(this))
  }

  /** The async context of the request that asked for it. */
  get context(): AsyncContext {
    return this.#context
  }

  /** Whether the response has started, and has not ended. */
  get isStarted(): boolean {
    return this.#state === 'started'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** When its owner became known, in milliseconds since 1970; `undefined` until then. */
  get openedAt(): number | undefined {
    return this.#openedAt
  }

  /** Its owner, as the app's `connectionKey` tells. */
  get key(): string | undefined {
    return this.#key
  }

  /** What `createContext` made. */
  get ctx(): unknown {
    return this.#ctx
  }

  /** When something was sent last, in elapsed milliseconds. */
  get activeAtMs(): number {
    return this.#activeAtMs
  }

  /** How many bytes wait for the client to read. */
  get bytesWaiting(): number {
    return this.#pendingBytes + (this.isStarted ? this.#writer.bufferedBytes() : 0)
  }

  /** The group in which its subscriptions read logs. */
  get readGroup(): ReadGroup {
    this.#readGroup ??= new ConnectionReadGroup(this, this.#options)
    return this.#readGroup
  }

  /** Sets who owns it, once the app has told. */
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

  /** Sends bytes. Those of one tick leave in one write. */
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

  /** Sends at once what waits for the end of the tick. */
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

  /** Whether the client is too far behind to be sent more. */
  isBackpressured(): boolean {
    const { maxBufferedBytes } = this.#options
    if (this.#pendingBytes + this.#bufferedBytes <= maxBufferedBytes) return false
    this.#bufferedBytes = this.isStarted ? this.#writer.bufferedBytes() : 0
    return this.#pendingBytes + this.#bufferedBytes > maxBufferedBytes
  }

  /**
   * Calls back once when the client can take more, after the callbacks that have waited for longer.
   * A callback that has still more to send waits again.
   */
  onceWritable(callback: () => void): void {
    this.#waiting ??= new Set()
    this.#waiting.add(callback)
  }

  /** Takes back a callback that {@link onceWritable} was given. */
  stopWaiting(callback: () => void): void {
    this.#waiting?.delete(callback)
  }

  /**
   * Runs `use` when the client can take more, or resolves when the signal aborts. Rejects with what
   * `use` throws.
   *
   * Send in `use`: by the time the promise resolves, other callbacks may have filled the buffer.
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

  /** Ends the response after what was sent. */
  end(): void {
    this.flush()
    try {
      if (this.isStarted) this.#writer.end()
    } catch (cause) {
      this.#breakOff(cause)
    }
    this.#close()
  }

  /** Ends the response without waiting for a slow client, which gets the rest when it resumes. */
  dismiss(): void {
    this.flush()
    if (this.isStarted && this.isBackpressured()) this.#writer.abort()
    this.end()
  }

  /**
   * Gives each waiting callback its turn. A subscription that is far behind sends no more in its
   * turn than the buffer takes, and then waits again behind all others.
   */
  #offerTurns(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    // Those that wait again meanwhile have had their turn.
    let turns = waiting.size
    for (const callback of waiting) {
      if (turns-- === 0 || this.isBackpressured()) return
      waiting.delete(callback)
      callback()
    }
  }

  /**
   * A wrapper of the response threw: only this stream ends, and others get what they are sent in
   * the same tick.
   */
  #breakOff(cause: unknown): void {
    logToConsole('trpc-sse: A stream was cut because a wrapper of its response threw', cause)
    try {
      this.#writer.abort()
    } finally {
      this.#close()
    }
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.answer = undefined
    this.body?.release()
    this.#options.onClose(this)
    this.#context.runInAsyncScope(() => {
      this.stream?.close()
      this.over.abort()
    })
  }
}
