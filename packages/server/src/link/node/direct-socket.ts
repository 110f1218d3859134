import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The socket that chunks of a response may be written to directly. `undefined` where something must see them first:
 * HTTP/2, a body that isn't chunked, an earlier response on the same connection, or whatever wraps the response.
 */
export function directSocket(response: ServerResponse): Socket | undefined {
  const { socket, chunkedEncoding } = response
  return chunkedEncoding && socket && hasNodesMethods(response) ? socket : undefined
}

/**
 * Whether bytes written to the socket now follow right after everything the response was given. Node 26 holds back
 * what `response.write` is given, headers included, until the next tick. A closing socket takes no more, and a wrapper
 * may come late.
 */
export function isNext(response: ServerResponse, socket: Socket): boolean {
  return (
    socket.writable &&
    response.socket === socket &&
    response.writableCorked === 0 &&
    socket.writableCorked === 0 &&
    response.writableLength === socket.writableLength &&
    isUntouched(response)
  )
}

/** The methods that the bytes of a response pass through. */
interface Methods {
  readonly write?: unknown
  readonly _send?: unknown
  readonly _writeRaw?: unknown
}

/**
 * What only Node's own methods say: a wrapper calls the method that it wraps, never what is inside. Their identity
 * proves nothing, as they may have been wrapped before this file was loaded.
 */
const inside: Readonly<Record<keyof Methods, string>> = {
  write: 'write_(this, ',
  _send: 'this._onPendingData(header.length)',
  _writeRaw: 'this._flushOutput(conn)',
}

/** Node's own, once they were seen. */
let nodes: Methods = { write: Symbol('not seen yet') }

function isUntouched(response: Methods): boolean {
  return (
    response.write === nodes.write &&
    response._send === nodes._send &&
    response._writeRaw === nodes._writeRaw
  )
}

function hasNodesMethods(response: Methods): boolean {
  if (isUntouched(response)) return true
  const { write, _send, _writeRaw } = response
  const found: Methods = { write, _send, _writeRaw }
  const areNodes = (Object.keys(inside) as (keyof Methods)[]).every((name) =>
    sourceOf(found[name]).includes(inside[name]),
  )
  if (areNodes) nodes = found
  return areNodes
}

function sourceOf(value: unknown): string {
  return typeof value === 'function' ? Function.prototype.toString.call(value) : ''
}
