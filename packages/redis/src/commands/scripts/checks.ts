import { compareEventIds, isEventId, RealtimeError } from '@trpc-sse/server'

// Replies of Redis are validated like client requests: other programs may have written to the keys.

/** Whether all texts are event ids, in strictly ascending order. */
export function areAscending(ids: readonly string[]): boolean {
  return ids.every((id, i) => {
    const before = ids[i - 1]
    return isEventId(id) && (before === undefined || compareEventIds(before, id) < 0)
  })
}

/**
 * Creates the error for a reply that is impossible unless another program has written to the log.
 */
export function unexpectedReply(command: string, reply: unknown): RealtimeError {
  const start = (JSON.stringify(readable(reply)) ?? String(reply)).slice(0, 120)
  const message = `Redis replied to ${command} with something that can't be: ${start}. Something else has written to the keys of this log: restore or delete them. Retrying.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}

function readable(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return String(reply)
  return Array.isArray(reply) ? reply.map(readable) : reply
}
