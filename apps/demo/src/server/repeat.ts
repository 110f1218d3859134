import { setTimeout as sleep } from 'node:timers/promises'
import { isRealtimeError } from '@trpc-sse/server'

/** Does something again and again until the signal aborts. A backend that is away for a while is waited for. */
export async function repeat(
  everyMs: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await Promise.all([untilBackendAnswers(work, signal), pause(everyMs, signal)])
  }
}

/** Tries until it works or the signal aborts. Only a backend that doesn't answer is a reason to try again. */
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

/** Waits; less if the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
