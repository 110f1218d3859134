import { RealtimeError } from '@trpc-sse/protocol'

/** The longest key of an entry, in characters. */
const maxKeyLength = 256

/** The shortest time that an entry can be set for, in milliseconds. */
export const shortestForMs = 1_000
const longestForMs = 30 * 86_400_000

/** Throws `INVALID_OPTION` for what can't be the key of an entry. `place` got it. */
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
  // In UTF-8, two such keys would be the same.
  return /\p{Surrogate}/u.test(key) ? 'has half of a surrogate pair' : undefined
}

/** Throws `INVALID_OPTION` for a time that no entry can be set for. */
export function checkForMs(place: string, forMs: number): void {
  if (Number.isSafeInteger(forMs) && forMs >= shortestForMs && forMs <= longestForMs) return
  const message = `${place}: forMs is ${forMs}. Give a whole number, ${shortestForMs} to ${longestForMs} (30 days).`
  throw new RealtimeError('INVALID_OPTION', message)
}
