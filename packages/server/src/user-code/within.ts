import { type Clock, RealtimeError } from '@trpc-sse/protocol'

/**
 * Waits for work, at most `ms` milliseconds. After that, rejects with an error: by default, that the
 * backend is unavailable.
 */
export async function within<TResult>(
  clock: Clock,
  ms: number,
  work: Promise<TResult>,
  lateError: () => Error = () => backendIsLate(ms),
): Promise<TResult> {
  let stopTimer = (): void => {}
  const late = new Promise<never>((_, reject) => {
    stopTimer = clock.after(ms, () => reject(lateError()))
  })
  return await Promise.race([work, late]).finally(stopTimer)
}

function backendIsLate(ms: number): RealtimeError {
  const message = `The backend hasn't answered within ${ms} ms. Check whether it is reachable.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
