import type { Socket } from 'node:net'

/** From so many bytes on, a chunk is not joined: handing over its parts costs less than a copy. */
const minUnjoined = 16_384
/** Smaller parts than this are joined with their neighbours all the same: each write has a price. */
const minPart = 1_024

/**
 * Writes parts as one chunk of HTTP/1.1. Large parts are not copied: they leave in one system call.
 * Calls `onWritten` when all have left. Returns how many bytes left at once; 0 if the socket buffers some.
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
 * Joins the parts of a chunk, except for large ones the first time. Connections at the tail are sent the
 * same parts, one after the other: from the second on, they share one copy.
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

/** Writes parts in one system call. Small ones between the large ones are joined. */
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
