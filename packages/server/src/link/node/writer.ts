import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  minBufferedBytes,
  type ResponseHead,
  type ResponseWriter,
} from '../connection/response-writer.ts'
import { writeChunk } from './chunk.ts'
import { directSocket, isNext } from './direct-socket.ts'

/** Writes directly to a Node response, without web streams between an event and the socket. */
export class NodeResponseWriter implements ResponseWriter {
  readonly #response: ServerResponse
  #onDrain = ignore
  /** The socket to write chunks to, once the headers are sent. */
  #socket: Socket | undefined
  /** The object whose 'drain' events are used, once a write has to wait. */
  #drains: Socket | ServerResponse | undefined
  #isListening = false
  #hasWritten = false

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onceClosed(callback: () => void): void {
    const response = this.#response
    response.on('close', callback)
    // Over HTTP/2, a write fails if the stream is just being reset. 'close' follows.
    if (response.req.httpVersionMajor > 1) response.on('error', ignore)
    if (isGone(response)) callback()
  }

  start(head: ResponseHead, onDrain: () => void): void {
    writeHead(this.#response, head)
    this.#onDrain = onDrain
    // At the end of this tick, so that a first frame is sent together with the headers.
    process.nextTick(() => this.#hasWritten || this.#response.flushHeaders())
  }

  write(chunks: readonly Uint8Array[]): void {
    const response = this.#response
    this.#hasWritten = true
    const onWritten = emitsDrain(response) ? undefined : this.#onDrain
    if (this.#socket && isNext(response, this.#socket)) {
      this.#writeTo(this.#socket, chunks, onWritten)
      return
    }
    if (response.destroyed) return
    const hasLeft = response.write(joined(chunks), onWritten)
    flush(response)
    if (this.#drains === undefined) {
      // The headers and a first chunk are written. From here on, a chunked response has only chunks.
      this.#socket = directSocket(response)
      this.#drains = this.#socket ?? response
    }
    // A wrapper of the response may return anything.
    if (!hasLeft || response.writableLength >= response.writableHighWaterMark) this.#listen()
  }

  bufferedBytes(): number {
    return this.#response.writableLength
  }

  end(): void {
    this.#hasWritten = true
    // The socket may serve other requests after this one.
    if (this.#isListening) this.#drains?.off('drain', this.#onDrain)
    this.#response.end()
  }

  abort(): void {
    this.#response.destroy()
  }

  #writeTo(
    socket: Socket,
    chunks: readonly Uint8Array[],
    onWritten: (() => void) | undefined,
  ): void {
    // Newer versions of Node emit no 'drain' if the kernel accepts everything immediately. Call
    // `onDrain` in the next turn of the event loop, so that other connections go first.
    const written = writeChunk(socket, chunks, onWritten)
    if (written >= minBufferedBytes) setImmediate(this.#onDrain)
    else if (written === 0) this.#listen()
  }

  /** Most clients read fast enough, and need no listener for as long as their streams last. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#drains?.on('drain', this.#onDrain)
  }
}

/**
 * Whether the client is gone or has its response. Over HTTP/2, only the response's stream shows
 * that.
 */
export function isGone(
  response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } },
): boolean {
  return response.destroyed || (response.stream?.destroyed ?? false)
}

/**
 * Sets the status and the headers, which are sent with the first write. The headers are passed as
 * one object: `setHeader` creates a table that the response keeps until its end, and older
 * middleware (on-headers before 1.1) breaks a flat array.
 */
export function writeHead(response: ServerResponse, head: ResponseHead): void {
  // Keep another status that middleware has set.
  const status = response.statusCode === 200 ? head.status : response.statusCode
  response.writeHead(status, headersFor(response, head.headers))
  flattenHead(response)
}

/** Makes compression middleware send the data that it buffers. */
export function flush(response: ServerResponse & { flush?: () => void }): void {
  response.flush?.()
}

/**
 * Saves memory. Node keeps the text of the head until the response ends, as a rope of about thirty
 * strings: a tenth of the memory of an idle connection. To convert it to a number, V8 flattens the
 * rope to one string.
 */
function flattenHead({ _header }: ServerResponse & { readonly _header?: unknown }): void {
  Number(_header)
}

/** The last headers that were passed as an array, in Node's form. Most streams share them. */
let shared: { readonly headers: ResponseHead['headers']; readonly written: OutgoingHttpHeaders } = {
  headers: [],
  written: {},
}

function headersFor(
  response: ServerResponse,
  headers: ResponseHead['headers'],
): OutgoingHttpHeaders {
  // The array is constant. The object is copied, as wrappers of the response may change it.
  if (headers === shared.headers && !response.hasHeader('vary')) return { ...shared.written }
  const written = mergedHeaders(response, headers)
  if (Array.isArray(headers) && !response.hasHeader('vary')) shared = { headers, written }
  return written
}

function mergedHeaders(
  response: ServerResponse,
  headers: ResponseHead['headers'],
): OutgoingHttpHeaders {
  const isHttp2 = response.req.httpVersionMajor > 1
  // Without a prototype, as a header may have any name.
  const all: OutgoingHttpHeaders = Object.create(null)
  for (const [name, value] of headers) {
    // HTTP/2 forbids this header.
    if (isHttp2 && name === 'connection') continue
    // Keep the values of middleware: it may vary by another header, and set other cookies.
    const added =
      name === 'vary' || name === 'set-cookie' ? (all[name] ?? response.getHeader(name)) : undefined
    all[name] = added === undefined ? value : [added, value].flat().map(String)
  }
  return all
}

/**
 * Whether 'drain' reliably shows that our writes were sent. Node emits none if its buffer is larger
 * than ours, and Node 20 emits it too early while the response waits behind another. In these
 * cases, each write gets a callback instead.
 */
function emitsDrain({ socket, writableHighWaterMark }: ServerResponse): boolean {
  return socket !== null && writableHighWaterMark <= minBufferedBytes
}

function ignore(): void {}

let lastChunks: readonly Uint8Array[] = []
let lastJoined: Uint8Array = new Uint8Array()

/**
 * Joins the chunks of one write. Remembers the last result, because connections that have caught up
 * are sent the same chunks, one after the other.
 */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length !== lastChunks.length || chunks.some((chunk, i) => chunk !== lastChunks[i]))
    lastJoined = (chunks.length === 1 && chunks[0]) || Buffer.concat(chunks)
  lastChunks = chunks
  return lastJoined
}
