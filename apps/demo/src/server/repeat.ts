import { setTimeout as sleep } from 'node:timers/promises'
import { isRealtimeError } from '@trpc-sse/server'

/** Repeats work until the signal aborts. While the backend is down, it retries. */
export async function repeat(
  everyMs: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await Promise.all([untilBackendAnswers(work, signal), pause(everyMs, signal)])
  }
}

/** Retries until the work succeeds or the signal aborts. Only retryable errors are retried. */
export async function untilBackendAnswers(
  work: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work()
      return
    } catch (error) {
      if (signal.aborted) return
      if (!isRealtimeError(error) || !error.retryable) throw error
      await pause(500, signal)
    }
  }
}

/** Waits, or returns early if the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
