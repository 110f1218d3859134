import type { IncomingMessage } from 'node:http'
import { TRPCError } from '@trpc/server'
import type { Clock } from '@trpc-sse/protocol'
import { type Tally, tooManyBodyBytes } from '../connection/limits.ts'
import { bodyWasRead, givenBody, type ParsedRequest } from '../node/given-body.ts'

/** The largest body of a request to `~sse`, in bytes. */
const maxBytes = 1_048_576

/** What bodies of a link are held to. */
export interface BodiesOptions {
  readonly clock: Clock
  /** Bytes in all. */
  readonly bytes: number
  /** How long one may take to arrive, in milliseconds. */
  readonly forMs: number
}

/** The bodies of a link's requests that are under way. */
export interface Bodies {
  /** Begins to take a body; its bytes count for whoever sends it until they are released. */
  begin(sender: Tally | undefined): IncomingBody
  /**
   * Lets go of a request that has its answer. What is left of its body goes nowhere: over HTTP/2, a client that can't get rid of it never
   * sees the end of the answer. Whoever goes on sending is cut off.
   */
  letGo(request: IncomingMessage): void
}

/** One body that arrives. */
export interface IncomingBody {
  /** Takes what has arrived. Throws if it is too much, for one body or for all. */
  push(chunk: Uint8Array): void
  /** Says that all has arrived, and gives it. Throws if it isn't UTF-8. */
  text(): string
  /** Calls back if it isn't there in time, with the error to answer. */
  onLate(callback: (error: TRPCError) => void): void
  /** Its bytes aren't needed any more. Releasing twice is harmless. */
  release(): void
}

/** Creates the count of a link's bodies. */
export function createBodies({ clock, bytes: most, forMs }: BodiesOptions): Bodies {
  let held = 0

  function begin(sender: Tally | undefined): IncomingBody {
    const chunks = createBuffer()
    let counted = 0
    let late: ((error: TRPCError) => void) | undefined
    // One sender may not have so much of it that nothing is left for others.
    const share = sender?.name ? Math.max(maxBytes, most / 4) : most
    const cancel = clock.after(forMs, () => late?.(tooLate(forMs)))

    /** Counts up to so many bytes for this body. */
    function count(bytes: number): void {
      const more = bytes - counted
      if (more > 0 && (held + more > most || (sender?.bodyBytes ?? 0) + more > share))
        throw tooManyBodyBytes(most)
      held += more
      if (sender) sender.bodyBytes += more
      counted = bytes
    }

    return {
      push(chunk) {
        if (chunks.length() + chunk.length > maxBytes) throw tooLarge()
        count(chunks.length() + chunk.length)
        chunks.push(chunk)
      },
      text() {
        cancel()
        return decodeUtf8(chunks.take())
      },
      onLate(callback) {
        late = callback
      },
      release() {
        cancel()
        count(0)
      },
    }
  }

  return {
    begin,
    letGo(request) {
      if (request.complete || request.destroyed) return
      request.on('error', ignore)
      request.resume()
      const cancel = clock.after(forMs, () => request.destroy())
      request.once('close', cancel).once('end', cancel)
    },
  }
}

/** Reads the JSON body of a Node request, whether or not somebody has parsed it before. */
export async function readNodeBody(request: ParsedRequest, body: IncomingBody): Promise<string> {
  mustBeJson(request.headers['content-type'])
  const given = parsedBody(request)
  if (given === undefined) return await receive(request, body)
  body.push(encoder.encode(given))
  return body.text()
}

const encoder = new TextEncoder()

function receive(request: IncomingMessage, body: IncomingBody): Promise<string> {
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer | string): void =>
      settle(() => body.push(typeof chunk === 'string' ? encoder.encode(chunk) : chunk))
    const finish = (): void =>
      settle(() => {
        const text = body.text()
        leave()
        resolve(text)
      })
    const gone = (): void => fail(new TRPCError({ code: 'CLIENT_CLOSED_REQUEST' }))
    function settle(what: () => void): void {
      try {
        what()
      } catch (error) {
        fail(error)
      }
    }
    function fail(error: unknown): void {
      leave()
      reject(error)
    }
    /** A stream keeps its request for as long as it lasts: nothing of the body stays with it. */
    function leave(): void {
      request.off('data', take).off('end', finish).off('close', gone).off('error', fail)
    }
    request.on('data', take).on('end', finish).on('close', gone).on('error', fail)
    // What fails later on has been heard of by then.
    request.on('error', ignore)
    body.onLate(fail)
  })
}

function ignore(): void {}

/** Reads the JSON body of a web-standard request. */
export async function readFetchBody(request: Request, body: IncomingBody): Promise<string> {
  mustBeJson(request.headers.get('content-type') ?? undefined)
  if (request.bodyUsed || request.body?.locked)
    throw bodyWasRead('fetch', 'read a clone of the request')
  const reader = request.body?.getReader()
  if (reader === undefined) return body.text()
  const late = new Promise<never>((_, reject) => body.onLate(reject))
  try {
    for (let read = await Promise.race([reader.read(), late]); !read.done; ) {
      body.push(read.value)
      read = await Promise.race([reader.read(), late])
    }
    return body.text()
  } finally {
    // Not awaited: a source that doesn't settle must not hold the answer back.
    void reader.cancel().catch(() => {})
  }
}

/** The body that middleware has read. Throws BAD_REQUEST for one that can't be written again. */
function parsedBody(request: ParsedRequest): string | undefined {
  try {
    return givenBody(request)
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause
    const message =
      'The body breaks P48 of the protocol: it was parsed, and can not be written as JSON again.'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

// Other types need no preflight: any page could send them with the user's cookies.
function mustBeJson(type: string | undefined): void {
  if (type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json') return
  const had = type === undefined ? 'it has none' : `it is ${JSON.stringify(type.slice(0, 64))}`
  const message =
    `POST ~sse needs the header content-type: application/json (P46), and ${had}. ` +
    'Check what a fetch of your own, or a proxy, does to the headers.'
  throw new TRPCError({ code: 'UNSUPPORTED_MEDIA_TYPE', message })
}

interface ByteBuffer {
  length(): number
  push(chunk: Uint8Array): void
  take(): Uint8Array
}

/** Joins chunks as they come: as many as bytes, if somebody wants to, and each would have a price. */
function createBuffer(): ByteBuffer {
  let bytes: Uint8Array = new Uint8Array()
  let length = 0
  return {
    length: () => length,
    push(chunk) {
      if (length === 0) {
        // Most bodies come in one piece.
        bytes = chunk
      } else {
        if (length + chunk.length > bytes.length) {
          const grown = new Uint8Array(2 * (length + chunk.length))
          grown.set(bytes.subarray(0, length))
          bytes = grown
        }
        bytes.set(chunk, length)
      }
      length += chunk.length
    },
    take() {
      const taken = bytes.subarray(0, length)
      bytes = new Uint8Array()
      return taken
    },
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: 'The body breaks P48 of the protocol: it is not UTF-8.',
      cause,
    })
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
