import { RealtimeError } from '@trpc-sse/protocol'

/** Creates the error that is reported once when limits over the fleet can't be checked. */
export function backendIsAway(cause: unknown): RealtimeError {
  const message =
    'Limits over the fleet can’t be checked, because the backend is away. Until it is back, each process counts on its own.'
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}
