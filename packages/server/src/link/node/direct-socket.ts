import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Returns the socket to which chunks of a response may be written directly. Returns `undefined` if
 * chunks must not bypass the response: over HTTP/2, in a body that isn't chunked, behind an earlier
 * response on the same socket, or if a wrapper of the response must see them.
 */
export function directSocket(response: ServerResponse): Socket | undefined {
  const { socket, chunkedEncoding } = response
  return chunkedEncoding && socket && hasNodesMethods(response) ? socket : undefined
}

/**
 * Whether bytes written to the socket now would follow everything that was written to the response.
 * Node 26 delays such writes, including the headers, until the next tick. The socket may also be
 * closing, or the response may have got a wrapper.
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

/** The methods through which a response's bytes pass. */
interface Methods {
  readonly write?: unknown
  readonly _send?: unknown
  readonly _writeRaw?: unknown
}

/**
 * A piece of source code that Node's own methods contain, but wrappers don't. A comparison with the
 * prototype's methods isn't enough: those may have been wrapped before this file was loaded.
 */
const inside: Readonly<Record<keyof Methods, string>> = {
  write: 'write_(this, ',
  _send: 'this._onPendingData(header.length)',
  _writeRaw: 'this._flushOutput(conn)',
}

/** Node's own methods, once they were found. */
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
