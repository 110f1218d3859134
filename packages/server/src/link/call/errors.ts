import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { isReadable } from '../../user-code/calls.ts'

/** The error for whatever was thrown. What can't be read itself, a proxy that throws for example, is left out of it. */
export function errorOf(thrown: unknown): TRPCError {
  try {
    const error = getTRPCErrorFromUnknown(thrown)
    if (isReadable(error) && isReadable(error.cause)) return error
  } catch {
    // Not an error that anybody could be told of.
  }
  const message = 'Something was thrown that throws by itself when it is read.'
  return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message })
}

/** Whether what was thrown says that something was aborted. */
export function isAbortError(thrown: unknown): boolean {
  return (
    isReadable(thrown) &&
    typeof thrown === 'object' &&
    thrown !== null &&
    'name' in thrown &&
    thrown.name === 'AbortError'
  )
}
