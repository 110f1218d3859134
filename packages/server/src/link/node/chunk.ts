import type { Socket } from 'node:net'

/** Chunks of at least this many bytes are not joined: several writes then cost less than a copy. */
const minUnjoined = 16_384
/** Parts smaller than this are always joined with their neighbours, as each write has a cost. */
const minPart = 1_024

/**
 * Writes parts as one HTTP/1.1 chunk, in one system call. Large parts are not copied. Calls
 * `onWritten` when all bytes were sent. Returns the number of bytes that were sent immediately; 0
 * if the socket buffers any of them.
 */
export function writeChunk(
  socket: Socket,
  parts: readonly Uint8Array[],
  onWritten: (() => void) | undefined,
): number {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const joined = joinedChunk(parts, length)
  const hasLeft = joined
    ? socket.write(joined, onWritten)
    : writeTogether(socket, length, parts, onWritten)
  return hasLeft ? length : 0
}

let lastParts: readonly Uint8Array[] = []
let lastJoined: Uint8Array | undefined

/**
 * Joins the parts of a chunk, unless the chunk is large and new. Connections that have caught up
 * are sent the same parts, one after the other: from the second one on, they share one copy.
 */
function joinedChunk(parts: readonly Uint8Array[], length: number): Uint8Array | undefined {
  const isRepeated =
    parts.length === lastParts.length && parts.every((part, i) => part === lastParts[i])
  if (isRepeated && lastJoined) return lastJoined
  lastParts = parts
  const joins = isRepeated || length < minUnjoined
  lastJoined = joins ? Buffer.concat([sizeLine(length), ...parts, crlf]) : undefined
  return lastJoined
}

/** Writes parts in one system call. Joins small parts between large ones. */
function writeTogether(
  socket: Socket,
  length: number,
  parts: readonly Uint8Array[],
  onWritten: (() => void) | undefined,
): boolean {
  let small: Uint8Array[] = [sizeLine(length)]
  socket.cork()
  for (const part of parts) {
    if (part.length < minPart) {
      small.push(part)
      continue
    }
    socket.write(Buffer.concat(small))
    socket.write(part)
    small = []
  }
  small.push(crlf)
  const hasLeft = socket.write(Buffer.concat(small), onWritten)
  socket.uncork()
  return hasLeft
}

function sizeLine(length: number): Buffer {
  return Buffer.from(`${length.toString(16)}\r\n`, 'latin1')
}

const crlf = Buffer.from('\r\n', 'latin1')
