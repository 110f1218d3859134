import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

// Redis 6.2 wraps the error of a command in a script:
// `ERR Error running script (…): …: -READONLY You can't …`.
const replyPattern = /^(?:ERR Error running script.* -)?([A-Z]+)(?: |$)/s

// These pass: a master was demoted or is starting, or a Cluster is changing.
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

/** The word that an error reply of Redis starts with; `undefined` if the error isn't a reply. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined
  return replyPattern.exec(error.message)?.[1] ?? 'ERR'
}

/** Whether Redis refused a command in a way that a retry doesn't help against. */
export function isRefusal(error: unknown): boolean {
  // An error of ours says that the reply can't be right.
  if (isRealtimeError(error)) return true
  const code = replyCode(error)
  return code !== undefined && !passing.has(code)
}

/** The error for a command that Redis refuses to run. */
export function refused(cause: unknown): RealtimeError {
  if (isRealtimeError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `Redis refused a command: ${reason}. Correct that in Redis.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}

/** The error for a command that got no reply in time. */
export function unanswered(timeoutMs: number, cause: unknown): RealtimeError {
  const message = `Redis didn't answer within ${timeoutMs} ms. Check that it can be reached; a publish may or may not have been stored.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}

/** The error for an append that was sent and whose traces are trimmed away. */
export function unconfirmed(): RealtimeError {
  const message =
    'A connection broke during a publish, and the log no longer shows whether the event was stored. Check the log before you publish it again.'
  return new RealtimeError('PUBLISH_UNCONFIRMED', message)
}

/** The error for events that are stored, and of which Redis refused to notify listeners. */
export function notifyRefused(reason: unknown): RealtimeError {
  const message = `Redis stored events, but refused to notify subscribers: ${reason}. Allow its user the pub/sub channels and commands listed in docs/redis.md. Until then, subscribers get events with a delay, by position checks.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}

/** The error for a call after `close`. */
export function closedError(): RealtimeError {
  return new RealtimeError('CLOSED', 'The Redis backend is closed. Create another one.')
}
