import { compareEventIds, type EventId, eventTimeMs } from '@trpc-sse/protocol'
import { utf8Length } from '../codec/utf8.ts'
import type { LogPage, ReadBounds, ReadRange, Retention, StoredEvent } from './backend.ts'

/** The retained events of one log, and its last id, which outlives the events. */
export class MemoryLog {
  #events: StoredEvent[] = []
  /**
   * The index of the first retained event. Older events are removed from the array only rarely, as
   * that copies the array.
   */
  #start = 0
  #lastEventId: EventId
  #total = 0
  #cleared: EventId | undefined

  /** Creates an empty log. The `prev` of its first event is `origin`. */
  constructor(origin: EventId) {
    this.#lastEventId = origin
  }

  get lastEventId(): EventId {
    return this.#lastEventId
  }

  /** Whether no event was stored since the log was created or cleared. */
  get isUnused(): boolean {
    return this.#total === 0
  }

  /** Stores payloads at the end of the log. Returns their events. */
  append(payloads: readonly string[], retain: Retention, nowMs: number): readonly StoredEvent[] {
    const stored = payloads.map((data) => {
      const event = { id: nextId(this.#lastEventId, nowMs), prev: this.#lastEventId, data }
      this.#lastEventId = event.id
      return event
    })
    // One by one: push(...stored) could exceed the maximum number of arguments.
    for (const event of stored) this.#events.push(event)
    this.#total += stored.length
    this.trim(retain, nowMs)
    return stored
  }

  read(range: ReadRange, retain: Retention, nowMs: number): LogPage {
    this.trim(retain, nowMs)
    const retained = this.#events.length - this.#start
    const from =
      'after' in range
        ? this.#indexAfter(range.after)
        : Math.max(this.#start, this.#events.length - range.last)
    const trimmed = 'last' in range && range.last > retained && this.#total > retained
    return {
      events: takePage(this.#events, from, range),
      lastEventId: this.#lastEventId,
      ...(trimmed && { trimmed }),
      ...(this.#cleared !== undefined && { cleared: this.#cleared }),
    }
  }

  /**
   * Drops all events. The log then ends at `origin`, which must be greater than every earlier id.
   */
  clear(origin: EventId): void {
    this.#events = []
    this.#start = 0
    this.#total = 0
    this.#lastEventId = origin
    this.#cleared = origin
  }

  /** Drops events beyond the retention. */
  trim(retain: Retention, nowMs: number): void {
    const { length } = this.#events
    this.#start = Math.max(this.#start, length - retain.events)
    const oldestMs = nowMs - retain.forMs
    while (this.#start < length && isOlder(this.#events[this.#start], oldestMs)) this.#start++
    if (this.#start * 2 < length) return
    this.#events = this.#events.slice(this.#start)
    this.#start = 0
  }

  /** Returns the index of the first retained event after an id, by binary search. */
  #indexAfter(id: EventId): number {
    let low = this.#start
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const event = this.#events[middle]
      if (event !== undefined && compareEventIds(event.id, id) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Returns the events of one page, starting at an index. */
function takePage(
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

/** Returns an id greater than `last`, even if the clock was set back. */
function nextId(last: EventId, nowMs: number): EventId {
  const lastMs = eventTimeMs(last)
  if (nowMs > lastMs) return `${nowMs}-0`
  return `${lastMs}-${Number(last.slice(last.indexOf('-') + 1)) + 1}`
}
