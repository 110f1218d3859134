import { TRPCError } from '@trpc/server'
import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Tally } from '../connection/limiter.ts'
import { tooManyBodyBytes } from '../connection/refusals.ts'
import { ByteBuffer } from './byte-buffer.ts'

/** The maximum size of a body of a request to `~sse`, in bytes. */
const maxBytes = 1_048_576

/** Options of {@link Bodies}. */
export interface BodiesOptions {
  readonly clock: Clock
  /** The maximum size of all bodies together, in bytes. */
  readonly bytes: number
  /** How long a body may take to arrive, in milliseconds. */
  readonly forMs: number
}

/** The bodies of a link's pending requests. */
export class Bodies {
  readonly clock: Clock
  /** How long a body may take to arrive, in milliseconds. */
  readonly forMs: number
  readonly #maxBytes: number
  readonly #elapsedMs: () => number
  /** The bodies that have not arrived, with their deadlines in elapsed milliseconds. */
  readonly #arriving = new Map<IncomingBody, number>()
  #isWatching = false
  #bytes = 0

  constructor({ clock, bytes, forMs }: BodiesOptions) {
    this.clock = clock
    this.forMs = forMs
    this.#maxBytes = bytes
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Starts to receive a body. Its bytes count for its sender until they are released. */
  begin(sender: Tally | undefined): IncomingBody {
    const body = new IncomingBody(this, sender)
    this.#arriving.set(body, this.#elapsedMs() + this.forMs)
    this.#watch(this.forMs)
    return body
  }

  /** Ends the deadline of a body. */
  arrived(body: IncomingBody): void {
    this.#arriving.delete(body)
  }

  /**
   * Adds a number of bytes, which may be negative, to the counts. Throws if there are too many
   * bytes in total or from the sender.
   */
  count(bytes: number, sender: Tally | undefined): void {
    // A single sender must leave room for others.
    const share = sender?.name ? Math.max(maxBytes, this.#maxBytes / 4) : this.#maxBytes
    const isTooMuch =
      this.#bytes + bytes > this.#maxBytes || (sender?.bodyBytes ?? 0) + bytes > share
    if (bytes > 0 && isTooMuch) throw tooManyBodyBytes(this.#maxBytes)
    this.#bytes += bytes
    if (sender) sender.bodyBytes += bytes
  }

  /**
   * Starts the timer. A single timer serves all bodies: the first body to begin is also the first
   * one due.
   */
  #watch(delayMs: number): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.clock.after(delayMs, () => {
      this.#isWatching = false
      this.#endLate()
    })
  }

  #endLate(): void {
    const nowMs = this.#elapsedMs()
    for (const [body, lateAtMs] of this.#arriving) {
      if (lateAtMs > nowMs) {
        this.#watch(lateAtMs - nowMs)
        return
      }
      this.#arriving.delete(body)
      body.end(tooLate(this.forMs))
    }
  }
}

/** One body while it arrives. */
export class IncomingBody {
  readonly #bodies: Bodies
  readonly #sender: Tally | undefined
  readonly #buffer = new ByteBuffer()
  #counted = 0
  #onLate: ((error: TRPCError) => void) | undefined

  constructor(bodies: Bodies, sender: Tally | undefined) {
    this.#bodies = bodies
    this.#sender = sender
  }

  /** Adds a chunk. Throws if the body, or all bodies together, get too large. */
  push(chunk: Uint8Array): void {
    const length = this.#buffer.length + chunk.length
    if (length > maxBytes) throw tooLarge()
    this.#count(length)
    this.#buffer.push(chunk)
  }

  /** Returns the whole body once it has arrived. Throws if the body isn't UTF-8. */
  text(): string {
    this.#bodies.arrived(this)
    return decodeUtf8(this.#buffer.take())
  }

  /** Calls `callback` with an error for the client if the body takes too long. */
  onLate(callback: (error: TRPCError) => void): void {
    this.#onLate = callback
  }

  /** Ends the wait for the rest of the body. */
  end(error: TRPCError): void {
    this.#onLate?.(error)
  }

  /** Stops counting the body's bytes. Further calls have no effect. */
  release(): void {
    this.#bodies.arrived(this)
    this.#count(0)
  }

  #count(bytes: number): void {
    this.#bodies.count(bytes - this.#counted, this.#sender)
    this.#counted = bytes
  }
}

/**
 * Throws UNSUPPORTED_MEDIA_TYPE unless the body is JSON. Other types need no CORS preflight: any
 * page could send them with the user's cookies.
 */
export function mustBeJson(contentType: string | null | undefined): void {
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json') return
  const found = contentType ? `it is ${JSON.stringify(contentType.slice(0, 64))}` : 'it has none'
  const message =
    `POST ~sse needs the header content-type: application/json (P46), and ${found}. ` +
    'Check what a fetch of your own, or a proxy, does to the headers.'
  throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message })
}

/** Creates the error for a request whose body was already read and is no longer available. */
export function bodyWasRead(kind: 'Node' | 'fetch', remedy: string): TRPCError {
  const message = `The body of this ${kind} request has already been read, by a middleware or by the app, and was not handed on. Put that behind this handler, or ${remedy}.`
  return new TRPCError({ code: 'BAD_REQUEST', message })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    const message = 'The body breaks P48 of the protocol: it is not UTF-8.'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

function tooLarge(): TRPCError {
  const message = `The body breaks P48 of the protocol: it has more than ${maxBytes} bytes.`
  return new TRPCError({ code: 'BAD_REQUEST', message })
}

function tooLate(forMs: number): TRPCError {
  const message = `The body of the request was not there after ${forMs} ms (limits.bodyMs). Send it again.`
  return new TRPCError({ code: 'TIMEOUT', message })
}
