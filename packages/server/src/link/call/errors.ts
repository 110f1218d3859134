import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'
import { isReadable } from '../../user-code/calls.ts'

/**
 * Converts a thrown value to a TRPCError. Drops a value that throws when it is read, such as a
 * proxy.
 */
export function errorOf(thrown: unknown): TRPCError {
  try {
    const error = getTRPCErrorFromUnknown(thrown)
    if (isReadable(error) && isReadable(error.cause)) return error
  } catch {
    // The value can't be read, so it can't be reported.
  }
  const message = 'A value was thrown that throws when it is read. Throw an Error.'
  return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message })
}

/**
 * Creates the error that a call ends with. A mistake in the server's code makes every attempt fail,
 * so its error gets a code that clients don't retry.
 */
export function callError(thrown: unknown): TRPCError {
  const error = errorOf(thrown)
  const { code, message, cause } = error
  const isMistake =
    code === 'INTERNAL_SERVER_ERROR' && isRealtimeError(cause) && cause.code === 'INVALID_OPTION'
  return isMistake ? new TRPCError({ code: 'UNPROCESSABLE_CONTENT', message, cause }) : error
}

/** Whether a thrown value is an AbortError. */
export function isAbortError(thrown: unknown): boolean {
  return (
    isReadable(thrown) &&
    typeof thrown === 'object' &&
    thrown !== null &&
    'name' in thrown &&
    thrown.name === 'AbortError'
  )
}

/**
 * Creates the error for different transformers, which would change the types of events on their way
 * to the client.
 */
export function differentTransformers(source: 'channel' | 'channels'): RealtimeError {
  const message = `The ${source} and the router have different transformers. Give createChannels({ transformer }) what initTRPC.create({ transformer }) has.`
  return new RealtimeError('INVALID_OPTION', message)
}
