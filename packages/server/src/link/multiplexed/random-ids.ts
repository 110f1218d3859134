import { toHex } from '../request/hex.ts'

/** The number of ids per call for random bytes. A call takes as long for one id as for many. */
const idsAtOnce = 256

/**
 * Creates a generator of ids: random bytes as hexadecimal text. They are cryptographically secure.
 */
export function createRandomIds(bytesPerId: number): () => string {
  const bytes = new Uint8Array(bytesPerId * idsAtOnce)
  let used = bytes.length
  return () => {
    if (used === bytes.length) {
      crypto.getRandomValues(bytes)
      used = 0
    }
    const start = used
    used += bytesPerId
    return toHex(bytes.subarray(start, used))
  }
}
