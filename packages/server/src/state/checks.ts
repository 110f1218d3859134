import { RealtimeError } from '@trpc-sse/protocol'

/** The maximum length of a key, in characters. */
const maxKeyLength = 256

/** The shortest lifetime of an entry, in milliseconds. */
export const shortestForMs = 1_000
const longestForMs = 30 * 86_400_000

/** Throws `INVALID_OPTION` for an invalid key. `place` is the name of the called function. */
export function checkKey(place: string, key: unknown): void {
  const why = whyNoKey(key)
  if (why === undefined) return
  const message = `${place}: the key ${why}. Give a text of 1 to ${maxKeyLength} characters.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function whyNoKey(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'is no string'
  if (key.length === 0) return 'is empty'
  if (key.length > maxKeyLength) return `has ${key.length} characters`
  // In UTF-8, different keys of this kind would be equal.
  return /\p{Surrogate}/u.test(key) ? 'has half of a surrogate pair' : undefined
}

/** Throws `INVALID_OPTION` for an invalid lifetime. `place` is the name of the called function. */
export function checkForMs(place: string, forMs: number): void {
  if (Number.isSafeInteger(forMs) && forMs >= shortestForMs && forMs <= longestForMs) return
  const message = `${place}: forMs is ${forMs}. Give a whole number, ${shortestForMs} to ${longestForMs} (30 days).`
  throw new RealtimeError('INVALID_OPTION', message)
}
