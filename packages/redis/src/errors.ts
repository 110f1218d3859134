import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

// Redis 6.2 wraps the error of a command in a script:
// `ERR Error running script (…): …: -READONLY You can't …`.
const replyPattern = /^(?:ERR Error running script.* -)?([A-Z]+)(?: |$)/s

// Temporary errors: a master was demoted or is starting, or a Cluster is changing.
const passing = new Set([
  'READONLY',
  'LOADING',
  'MASTERDOWN',
  'NOREPLICAS',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'BUSY',
  'NOSCRIPT',
])

/** The first word of a Redis error reply; `undefined` if the error isn't a reply. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined
  return replyPattern.exec(error.message)?.[1] ?? 'ERR'
}

/** Whether Redis refused a command for a reason that a retry can't change. */
export function isRefusal(error: unknown): boolean {
  // Our own error: the reply was not valid.
  if (isRealtimeError(error)) return true
  const code = replyCode(error)
  return code !== undefined && !passing.has(code)
}

/** Creates the error for a command that Redis refuses to run. */
export function refused(cause: unknown): RealtimeError {
  if (isRealtimeError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `Redis refused a command: ${reason}. Correct that in Redis.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}

/** Creates the error for a command that got no reply in time. */
export function unanswered(timeoutMs: number, cause: unknown): RealtimeError {
  const message = `Redis didn't answer within ${timeoutMs} ms. Check that it can be reached; a publish may or may not have been stored.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}

/**
 * Creates the error for an append whose outcome is unknown: its reply was lost, and newer events
 * have since pushed out any trace of it.
 */
export function unconfirmed(): RealtimeError {
  const message =
    'A connection broke during a publish, and the log no longer shows whether the event was stored. Check the log before you publish it again.'
  return new RealtimeError('PUBLISH_UNCONFIRMED', message)
}

/** Creates the error for events that are stored, but whose notification Redis refused. */
export function notifyRefused(reason: unknown): RealtimeError {
  const message = `Redis stored events, but refused to notify subscribers: ${reason}. Allow its user the pub/sub channels and commands listed in docs/redis.md. Until then, subscribers get events with a delay, by position checks.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}

/** Creates the error for a call after `close`. */
export function closedError(): RealtimeError {
  return new RealtimeError('CLOSED', 'The Redis backend is closed. Create another one.')
}
