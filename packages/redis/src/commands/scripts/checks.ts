import { compareEventIds, isEventId, RealtimeError } from '@trpc-sse/server'

// A reply of Redis is checked as a request of a client is: anybody may have written to its keys.

/** Whether all are event ids, each after the one before it. */
export function areAscending(ids: readonly string[]): boolean {
  return ids.every((id, i) => {
    const before = ids[i - 1]
    return isEventId(id) && (before === undefined || compareEventIds(before, id) < 0)
  })
}

/** The error for a reply that no script of ours gives for a log that only they have written to. */
export function unexpectedReply(command: string, reply: unknown): RealtimeError {
  const start = (JSON.stringify(readable(reply)) ?? String(reply)).slice(0, 120)
  const message = `Redis replied to ${command} with something that can't be: ${start}. Something else has written to the keys of this log: restore or delete them. Retrying.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}

function readable(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return String(reply)
  return Array.isArray(reply) ? reply.map(readable) : reply
}
