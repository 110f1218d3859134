import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  type Exchange,
  leastBufferedBytes,
  type Network,
  type ResponseHead,
  type Sink,
} from '../connection/response-writer.ts'
import { directSocket, isNext } from './direct-socket.ts'

/** Writes straight to a Node response: no web streams between an event and the socket. */
export function nodeExchange(response: ServerResponse): Exchange {
  return {
    open(head, onDrain) {
      writeHead(response, head)
      return createSink(response, onDrain)
    },
    onGone(callback) {
      response.on('close', callback)
      // Over HTTP/2, a write to a stream that is just being reset: 'close' follows.
      if (response.req.httpVersionMajor > 1) response.on('error', ignore)
      if (isGone(response)) callback()
    },
  }
}

/** Whether the other end has left, or has its answer. A response of HTTP/2 doesn't say so itself, but its stream does. */
export function isGone(
  response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } },
): boolean {
  return response.destroyed || (response.stream?.destroyed ?? false)
}

/**
 * Fixes the status and the headers; they are sent with the first write. In one object: `setHeader` makes a table that
 * the response keeps for as long as it lasts, and older middleware (on-headers before 1.1) mangles a flat array.
 */
export function writeHead(response: ServerResponse, head: ResponseHead): void {
  // A middleware that set another status meant it.
  const status = response.statusCode === 200 ? head.status : response.statusCode
  response.writeHead(status, headersFor(response, head.headers))
  joinHead(response)
}

/**
 * Node keeps the text of the head for as long as the response lasts, put together from some thirty strings that are kept
 * too: a tenth of what an idle connection takes. Whoever makes a number of a text has V8 make one string of it first.
 */
function joinHead({ _header }: ServerResponse & { readonly _header?: unknown }): void {
  Number(_header)
}

function headersFor(
  response: ServerResponse,
  headers: ResponseHead['headers'],
): OutgoingHttpHeaders {
  const isHttp2 = response.req.httpVersionMajor > 1
  // No prototype: a header may have any name.
  const all: OutgoingHttpHeaders = Object.create(null)
  for (const [name, value] of headers) {
    // HTTP/2 has no such header.
    if (isHttp2 && name === 'connection') continue
    // What a middleware varies by, the origin for example, still holds; and there may be many cookies.
    const added =
      name === 'vary' || name === 'set-cookie' ? (all[name] ?? response.getHeader(name)) : undefined
    all[name] = added === undefined ? value : [added, value].flat().map(String)
  }
  return all
}

interface NodeSink extends Sink {
  readonly response: ServerResponse
  readonly onDrain: () => void
  /** Where chunks are written, once the headers are out. */
  socket: Socket | undefined
  /** What tells of room. */
  drains: Socket | ServerResponse | undefined
  begun: boolean
}

function createSink(response: ServerResponse, onDrain: () => void): NodeSink {
  const sink: NodeSink = {
    network: nodeNetwork,
    response,
    onDrain,
    socket: undefined,
    drains: undefined,
    begun: false,
  }
  // At the end of this tick, so that a first frame leaves together with the headers.
  process.nextTick(() => sink.begun || response.flushHeaders())
  return sink
}

const nodeNetwork: Network = {
  write(sink: NodeSink, chunks) {
    const { response, socket, onDrain } = sink
    sink.begun = true
    const onLeft = hasDrain(response) ? undefined : onDrain
    if (socket && isNext(response, socket)) return writeTo(socket, framed(chunks), onDrain, onLeft)
    if (response.destroyed) return
    response.write(joined(chunks), onLeft)
    flush(response)
    if (sink.drains) return
    // The headers and a first chunk are out: from here on it is chunks only, where there are any.
    sink.socket = directSocket(response)
    sink.drains = sink.socket ?? response
    sink.drains.on('drain', onDrain)
  },
  buffered: ({ response }: NodeSink) => response.writableLength,
  end(sink: NodeSink) {
    sink.begun = true
    // The socket may serve other requests after this one.
    sink.drains?.off('drain', sink.onDrain)
    sink.response.end()
  },
  cut: ({ response }: NodeSink) => void response.destroy(),
}

/**
 * Whether 'drain' comes once what we write has left: not if Node lets more wait than we do, and on Node 20 too early if the
 * response still waits behind another. Then each write tells.
 */
function hasDrain({ socket, writableHighWaterMark }: ServerResponse): boolean {
  return socket !== null && writableHighWaterMark <= leastBufferedBytes
}

function writeTo(
  socket: Socket,
  bytes: Uint8Array,
  onDrain: () => void,
  onLeft?: () => void,
): void {
  // What the kernel takes at once has no 'drain', in newer versions of Node. In the next turn: others have theirs before.
  if (socket.write(bytes, onLeft) && bytes.length >= leastBufferedBytes) setImmediate(onDrain)
}

function ignore(): void {}

/** Compression middleware holds bytes back until it is told. */
export function flush(response: ServerResponse & { flush?: () => void }): void {
  response.flush?.()
}

/** The bytes of what leaves in one write. */
const joined = madeOnce((chunks) => (chunks.length === 1 && chunks[0]) || Buffer.concat(chunks))

/** The same as one chunk of HTTP/1.1. */
const framed = madeOnce((chunks) => {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`, 'latin1'), ...chunks, crlf])
})

// Not a Buffer: this file is loaded, though not used, where there is no Node.
const crlf = new TextEncoder().encode('\r\n')

/** Connections at the tail are sent the same, one after the other: what is made of it is made once for all. */
function madeOnce(make: (chunks: readonly Uint8Array[]) => Uint8Array): typeof make {
  let last: readonly Uint8Array[] = []
  let made: Uint8Array = new Uint8Array()
  return (chunks) => {
    if (chunks.length === last.length && chunks.every((chunk, i) => chunk === last[i])) return made
    made = make(chunks)
    last = chunks
    return made
  }
}
