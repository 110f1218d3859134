import { compareEventIds, type EventId, eventTimeMs } from '@trpc-sse/protocol'
import { utf8Length } from '../codec/utf8.ts'
import type { LogPage, ReadBounds, ReadRange, Retention, StoredEvent } from './backend.ts'

/** The events of one log that are retained, and the last id, which outlives them. */
export interface MemoryLog {
  /** Stores payloads at the end. Returns them as events. */
  append(payloads: readonly string[], retain: Retention, nowMs: number): readonly StoredEvent[]
  read(range: ReadRange, retain: Retention, nowMs: number): LogPage
  /** Drops all events. The log then stands at `origin`, which must be greater than every id before. */
  clear(origin: EventId): void
  readonly lastEventId: EventId
  /** How many events were ever stored, since the log was last cleared. */
  readonly total: number
  /** Drops what is beyond the retention. */
  trim(retain: Retention, nowMs: number): void
}

/** Creates an empty log. The first event has `origin` as its `prev`, and a greater id. */
export function createMemoryLog(origin: EventId): MemoryLog {
  let events: StoredEvent[] = []
  // Where the retained events start: removing from the front of an array one by one would cost its length each time.
  let start = 0
  let lastEventId = origin
  let total = 0
  let cleared: EventId | undefined

  const trim = (retain: Retention, nowMs: number): void => {
    start = Math.max(start, events.length - retain.events)
    while (start < events.length && isOlder(events[start], nowMs - retain.forMs)) start++
    if (start * 2 < events.length) return
    events = events.slice(start)
    start = 0
  }

  return {
    append(payloads, retain, nowMs) {
      const stored = payloads.map((data) => {
        const event = { id: nextId(lastEventId, nowMs), prev: lastEventId, data }
        lastEventId = event.id
        return event
      })
      // Not by spreading: the number of arguments of a call is limited.
      for (const event of stored) events.push(event)
      total += stored.length
      trim(retain, nowMs)
      return stored
    },
    read(range, retain, nowMs) {
      trim(retain, nowMs)
      const retained = events.length - start
      const from =
        'after' in range
          ? firstAfter(events, start, range.after)
          : Math.max(start, events.length - range.last)
      const trimmed = 'last' in range && range.last > retained && total > retained
      return {
        events: fitting(events, from, range),
        lastEventId,
        ...(trimmed && { trimmed }),
        ...(cleared !== undefined && { cleared }),
      }
    },
    clear(newOrigin) {
      events = []
      start = 0
      total = 0
      lastEventId = newOrigin
      cleared = newOrigin
    },
    get lastEventId() {
      return lastEventId
    },
    get total() {
      return total
    },
    trim,
  }
}

/** The events from an index on that a page has room for. */
function fitting(
  events: readonly StoredEvent[],
  from: number,
  { limit, maxBytes }: ReadBounds,
): StoredEvent[] {
  const page = events.slice(from, from + limit)
  if (maxBytes === undefined) return page
  let bytes = 0
  const end = page.findIndex(({ data }, i) => {
    bytes += utf8Length(data)
    return bytes > maxBytes && i > 0
  })
  return end < 0 ? page : page.slice(0, end)
}

function isOlder(event: StoredEvent | undefined, thanMs: number): boolean {
  return event !== undefined && eventTimeMs(event.id) < thanMs
}

// Never lower than the last id, even if the clock was set back.
function nextId(last: EventId, nowMs: number): EventId {
  const lastMs = eventTimeMs(last)
  if (nowMs > lastMs) return `${nowMs}-0`
  return `${lastMs}-${Number(last.slice(last.indexOf('-') + 1)) + 1}`
}

/** The index of the first event after an id: a binary search from `start`. */
function firstAfter(events: readonly StoredEvent[], start: number, id: EventId): number {
  let low = start
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const event = events[middle]
    if (event !== undefined && compareEventIds(event.id, id) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
