import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

// Redis 6.2 wraps what a command in a script answered: `ERR Error running script (…): …: -READONLY You can't …`.
const replyPattern = /^(?:ERR Error running script.* -)?([A-Z]+)(?: |$)/s

// What passes: a master that was demoted, one that is starting, a Cluster that is changing.
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

/** Whether Redis refused a command in a way that trying again at once doesn't help against. */
export function isRefusal(error: unknown): boolean {
  // One of our own says that the answer can't be right.
  if (isRealtimeError(error)) return true
  const code = replyCode(error)
  return code !== undefined && !passing.has(code)
}

/** The error for a command that Redis refuses to run. */
export function refused(cause: unknown): RealtimeError {
  if (isRealtimeError(cause)) return cause
  const said = cause instanceof Error ? cause.message : String(cause)
  return new RealtimeError(
    'BACKEND_UNAVAILABLE',
    `Redis refused a command: ${said}. Correct that in Redis.`,
    {
      cause,
    },
  )
}

/** The error for a Redis that didn't answer in time. */
export function unanswered(timeoutMs: number, cause: unknown): RealtimeError {
  const message = `Redis didn't answer within ${timeoutMs} ms. Check that it can be reached; a publish may or may not have been stored.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message, { cause })
}

/** The error for an append that was sent, and whose traces are trimmed away. */
export function unconfirmed(): RealtimeError {
  const message =
    'A connection broke during a publish, and the log has since lost what would tell whether it was stored. Look before you publish again.'
  return new RealtimeError('PUBLISH_UNCONFIRMED', message)
}

/** The error for events that are stored, and that Redis didn't tell of. */
export function untoldError(said: unknown): RealtimeError {
  const message = `Redis has stored events, but refused to tell of them: ${said}. Give its user the pub/sub channels and commands that docs/redis.md names; until then, subscribers wait for a position check.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}

/** The error after `close`. */
export function closedError(): RealtimeError {
  return new RealtimeError('CLOSED', 'The Redis backend is closed. Create another one.')
}
