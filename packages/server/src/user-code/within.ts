import { type Clock, RealtimeError } from '@trpc-sse/protocol'

/** Waits for work, at most `ms` milliseconds. Rejects with `BACKEND_UNAVAILABLE` after that. */
export async function within<TResult>(
  clock: Clock,
  ms: number,
  work: Promise<TResult>,
): Promise<TResult> {
  let stopTimer = (): void => {}
  const late = new Promise<never>((_, reject) => {
    stopTimer = clock.after(ms, () => {
      const message = `The backend hasn't answered within ${ms} ms. Check whether it is reachable.`
      reject(new RealtimeError('BACKEND_UNAVAILABLE', message))
    })
  })
  return await Promise.race([work, late]).finally(stopTimer)
}
