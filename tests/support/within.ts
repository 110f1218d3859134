import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a promise. Rejects after `ms`, and says what was waited for. */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  whatFor: () => string,
): Promise<T> {
  const settled = new AbortController()
  const tooLong = sleep(ms, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`After ${Math.round(ms / 100) / 10} s, this still waits: ${whatFor()}`)
  })
  // Rejects when the signal aborts, after the race.
  tooLong.catch(() => {})
  try {
    return await Promise.race([promise, tooLong])
  } finally {
    settled.abort()
  }
}
