import { compareEventIds, type EventId } from '@trpc-sse/protocol'
import type { LogPage, ReadRange } from '../backend/backend.ts'
import { checkContiguity, type DecodeEvent, type LogPosition, type NextPage } from './contiguity.ts'
import type { LogEntry } from './log-event.ts'

const noEntries: readonly LogEntry[] = []

/** A page of a log. All readers whose position is in the page share it. */
export class Page {
  /** The id that the page follows. */
  readonly from: EventId
  readonly next: NextPage | undefined
  /** Whether the log retains fewer events than requested, though it has had more. */
  readonly isTrimmed: boolean
  readonly lastEventId: EventId
  readonly cleared: EventId | undefined
  /** The time until an entry of the log expires, in milliseconds; `undefined` if none expires. */
  readonly expiresInMs: number | undefined
  /** The number of entries that the page has, or had before they were dropped. */
  readonly count: number
  /** The approximate memory of the page, in bytes. */
  readonly bytes: number
  #entries: readonly LogEntry[]
  /** The number of entries that are events: all, or all but the last. */
  readonly #events: number
  /**
   * Whether all stored events were decoded. If so, the page can be read from any id in its range.
   */
  readonly #isWhole: boolean
  /** The lowest id from which the page can be read; `undefined` if no older event is retained. */
  readonly #low: EventId | undefined

  constructor(
    range: ReadRange,
    position: LogPosition | undefined,
    page: LogPage,
    decode: DecodeEvent,
  ) {
    const first = page.events[0]?.prev
    const from = position ?? { id: first ?? page.lastEventId }
    const { entries, next } = checkContiguity(from, page, decode)
    this.from = from.id
    this.next = next
    this.isTrimmed = page.trimmed === true
    this.lastEventId = page.lastEventId
    this.cleared = page.cleared
    this.expiresInMs = page.expiresInMs
    this.count = entries.length
    this.bytes = entries.reduce((bytes, entry) => bytes + sizeOf(entry), 0)
    this.#entries = entries
    this.#events = entries.at(-1)?.kind === 'jump' ? entries.length - 1 : entries.length
    this.#isWhole = this.#events === page.events.length
    // The oldest events are dropped first. So if one before this page is gone, all older ones are
    // gone too.
    const isOldest =
      'after' in range && first !== undefined && compareEventIds(first, range.after) > 0
    this.#low = isOldest ? undefined : (first ?? from.id)
  }

  /** The entries of the page; none once they were dropped from memory. */
  get entries(): readonly LogEntry[] {
    return this.#entries
  }

  /** Whether the entries were dropped from memory. */
  get isDropped(): boolean {
    return this.#entries.length < this.count
  }

  at(index: number): LogEntry | undefined {
    return this.#entries[index]
  }

  /**
   * Returns the index of the first event after an id; -1 if the page can't serve a reader there.
   */
  indexAfter(id: EventId): number {
    const last = this.#entries[this.#events - 1]
    if (last === undefined || compareEventIds(id, last.id) >= 0) return -1
    if (id === this.from) return 0
    if (this.#low !== undefined && compareEventIds(id, this.#low) < 0) return -1
    const index = this.#firstAfter(id)
    return this.#isWhole || this.#entries[index - 1]?.id === id ? index : -1
  }

  drop(): void {
    this.#entries = noEntries
  }

  #firstAfter(id: EventId): number {
    let low = 0
    let high = this.#events
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry !== undefined && compareEventIds(entry.id, id) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * Estimates the memory of an event: its payload, its value if that is kept, and its frame. If the
 * payload is bytes, the frame shares them.
 */
function sizeOf(entry: LogEntry): number {
  if (entry.kind !== 'event') return 64
  const copies = (typeof entry.data === 'string' ? 3 : 1) + (entry.decoded ? 3 : 0)
  return 256 + copies * entry.data.length
}
