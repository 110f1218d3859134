import { TRPCError } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'
import type { Gap } from './feed.ts'

/**
 * Creates the error that a procedure throws for a mistake of its caller. tRPC responds BAD_REQUEST.
 */
export function badRequest(cause: RealtimeError): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
}

/** Creates the error that ends a subscription with `onGap: 'error'`. */
export function gapError(gap: Gap): TRPCError {
  const cause = new RealtimeError('GAP', gapMessage(gap))
  return new TRPCError({ code: 'PRECONDITION_FAILED', message: cause.message, cause })
}

const gapReasons: Readonly<Record<Gap['reason'], string>> = {
  trimmed: 'they are no longer retained',
  reset: 'the log was cleared or lost',
  skipped: 'the subscription was too far behind, and this channel then skips to the newest event',
}

/** Describes which events are missing, and why. */
export function gapMessage({ lastEventId, reason }: Gap): string {
  return `Events after ${lastEventId} are no longer available: ${gapReasons[reason]}. Load the current state and continue from there.`
}

/**
 * Converts an error to one that the client understands: it sent an invalid id, or must retry later.
 */
export function callerError(error: unknown): unknown {
  if (!isRealtimeError(error)) return error
  if (error.code === 'INVALID_LAST_EVENT_ID') return badRequest(error)
  if (error.code !== 'TOO_MANY_CHANNELS') return error
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: error.message, cause: error })
}

/** Creates the error that ends an iteration that falls too far behind. */
export function tooFarBehind(): RealtimeError {
  const message =
    'The subscription is further behind than its channel allows (behindEvents). Subscribe again: it resumes where it stopped.'
  return new RealtimeError('TOO_FAR_BEHIND', message)
}
