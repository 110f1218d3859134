import { eventTimeMs, parseCompositeId } from '@trpc-sse/protocol'
import { compareEventIds, type EventId, isEventId } from '@trpc-sse/server'

/** The position after an event, in each log that its subscription reads. */
export type Positions = ReadonlyMap<string, EventId>

/** Parses an event's id. Returns `undefined` for an id that isn't of a channel. */
export function parsePositions(id: string): Positions | undefined {
  if (isEventId(id)) return new Map([['', id]])
  try {
    return parseCompositeId(id)
  } catch {
    return undefined
  }
}

/** Whether an event is new after a position: at least one log has moved, and none has gone back. */
export function isNewAfter(before: Positions, event: Positions): boolean {
  let hasMoved = false
  for (const [log, id] of event) {
    const known = before.get(log)
    const order = known === undefined ? 1 : compareEventIds(id, known)
    if (order < 0) return false
    hasMoved ||= order > 0
  }
  return hasMoved
}

/** When the newest event of a position was stored, in milliseconds since 1970. */
export function storedAtMs(positions: Positions): number {
  return Math.max(...[...positions.values()].map(eventTimeMs))
}
