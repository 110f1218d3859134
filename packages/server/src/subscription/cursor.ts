import {
  type Clock,
  compareEventIds,
  type EventId,
  eventTimeMs,
  firstEventId,
} from '@trpc-sse/protocol'
import type { Hub, OpeningReader } from '../hub/hub.ts'
import type { FeedEvent, LogEntry } from '../hub/log-event.ts'
import type { Page } from '../hub/page.ts'
import type { PageReader, PageRequest } from '../hub/page-reader.ts'
import type { ReadGroup } from '../hub/reads.ts'
import type { Window } from '../hub/window.ts'
import type { Feed, Gap } from './feed.ts'

/** Where a cursor starts: after an id, that many events before the end of the log, or at its end. */
export type CursorStart = { readonly after: EventId } | { readonly replay: number }

/** Time that a cursor is given by whoever doesn't read from it on purpose: until it has caught up, it isn't behind. */
export interface Grace {
  isOver: boolean
}

/** What a cursor is made with. */
export interface CursorOptions {
  /** Called when there may be something to read. */
  wake(): void
  readonly clock: Clock
  /** On whose behalf the log is read. */
  readonly group: ReadGroup
  readonly grace?: Grace | undefined
}

/**
 * Creates a reader of one hub: a position, not a queue. It reads from the hub's window where its position is in
 * it, else page by page from the log, and marks a gap at every entry that does not follow the one before.
 */
export function createCursor(hub: Hub, start: CursorStart, options: CursorOptions): Feed {
  const cursor = new Cursor(hub, start, options)
  hub.attach(options.wake)
  if (hub.window) cursor.onOpened(hub.window.tail, hub.window.end)
  else hub.openingReaders.add(cursor)
  return cursor
}

class Cursor implements Feed, PageReader, OpeningReader {
  readonly group: ReadGroup
  readonly #hub: Hub
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #grace: Grace | undefined
  /** How many of the newest events come first; `undefined` for a start after an id. */
  readonly #replay: number | undefined
  #id: EventId | undefined
  /** Where the log ended when this began. */
  #end: EventId | undefined
  /** The number of the next entry in the hub's window, while the position is in it. */
  #sequence: number | undefined
  /** Whether it has been at the end of the log: before that it isn't slow, but has just come. */
  #hasCaughtUp = false
  /** The page that it reads, where its position is not in the window, and the next entry of it. */
  #page: Page | undefined
  #index = 0
  /** The page that it waits for. */
  #request: PageRequest | undefined
  #needsValues = false
  #isClosed = false

  constructor(hub: Hub, start: CursorStart, { wake, clock, group, grace }: CursorOptions) {
    this.group = group
    this.#hub = hub
    this.#clock = clock
    this.#wake = wake
    this.#grace = grace
    this.#replay = 'after' in start ? undefined : start.replay
    this.#id = 'after' in start ? start.after : undefined
  }

  onOpened(end: EventId, sequence: number | undefined): void {
    this.#end = end
    if (this.#replay !== 0) return
    this.#id = end
    this.#sequence = sequence
  }

  position(): EventId | undefined {
    if (this.#id === undefined) this.#peek()
    return this.#id
  }

  next(): FeedEvent | Gap | undefined {
    return this.#skip() ?? this.#next()
  }

  needValues(): void {
    if (!this.#needsValues) this.#hub.keepValues()
    this.#needsValues = true
  }

  isTooFarBehind(): boolean {
    return this.#hub.behind.policy === 'disconnect' && this.#hasCaughtUp && this.#isBehind()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.group.leave()
    if (this.#needsValues) this.#hub.releaseValues()
    this.#hub.openingReaders.delete(this)
    this.#request?.cancel()
    this.#request = undefined
    this.#page = undefined
    this.#hub.detach(this.#wake)
  }

  onPage(page: Page, index: number): void {
    const { window } = this.#hub
    this.#request = undefined
    if (this.#id === undefined && this.#beginsTooLate(page)) {
      this.#id = this.#end
      this.#wake()
      return
    }
    this.#page = page
    this.#index = index
    // Before all that is retained: so what was to be replayed and is missing shows as a gap.
    this.#id ??= page.isTrimmed ? firstEventId : page.from
    const isEnd = page.count === index && page.next === undefined
    // The log is ahead of the hub, which will have it too once it has looked, and then wakes its readers.
    if (isEnd && window?.after(this.#id) === undefined && !page.isTrimmed) this.#hub.check()
    else this.#wake()
  }

  /** Whether so much was published since this began that the newest events are not all that it is to have. */
  #beginsTooLate(page: Page): boolean {
    return !page.isTrimmed && this.#end !== undefined && compareEventIds(page.from, this.#end) > 0
  }

  onNoRoom(): void {
    this.#request = undefined
    this.#wake()
  }

  #isBehind(): boolean {
    const { window, behind } = this.#hub
    if (window === undefined || this.#grace?.isOver === false) return false
    const sequence = this.#sequence
    return (
      sequence === undefined || sequence < window.start || window.end - sequence > behind.events
    )
  }

  /** Goes on at the newest event, where the channel wants that of who is too far behind. */
  #skip(): Gap | undefined {
    const { window, behind, closed, report } = this.#hub
    const id = this.#id
    if (behind.policy !== 'latest' || window === undefined || id === undefined || closed)
      return undefined
    // Who asked for the newest events is not behind before it has had them.
    if (this.#replay !== undefined && !this.#hasCaughtUp) return undefined
    this.#sequence ??= joinWindow(this.#hub, window, id, this.#clock.now())
    const newest = window.at(window.end - 1)
    if (newest === undefined || !this.#isBehind()) return undefined
    const position = newest.kind === 'event' ? newest.prev : newest.id
    this.#id = position
    this.#sequence = newest.kind === 'event' ? window.end - 1 : window.end
    return { kind: 'gap', lastEventId: id, position, reason: 'skipped', report }
  }

  #next(): FeedEvent | Gap | undefined {
    if (this.#hub.closed) throw this.#hub.closed
    for (
      let entry = this.#peek();
      entry !== undefined && this.#id !== undefined;
      entry = this.#peek()
    ) {
      const follows = entry.kind === 'event' ? entry.prev : entry.id
      if (follows !== this.#id) {
        const gap = gapBetween(this.#id, follows, this.#hub)
        // What the log goes on with comes next; it follows this position.
        this.#id = follows
        return gap
      }
      this.#id = entry.id
      if (this.#sequence === undefined) this.#index += 1
      else this.#sequence += 1
      if (entry.kind === 'event') return entry
    }
    return undefined
  }

  /** The entry at the position, if it is at hand; else asks for it. */
  #peek(): LogEntry | undefined {
    const { window } = this.#hub
    if (window === undefined || this.#request !== undefined) return undefined
    if (this.#sequence === undefined && this.#id !== undefined)
      this.#sequence = joinWindow(this.#hub, window, this.#id, this.#clock.now())
    if (this.#sequence !== undefined && this.#sequence >= window.start) {
      // What is left of a page is out of date once the window is read.
      this.#page = undefined
      if (this.#sequence === window.end) this.#caughtUp()
      return window.at(this.#sequence)
    }
    this.#sequence = undefined
    return this.#page?.at(this.#index) ?? this.#nextPage()
  }

  #caughtUp(): void {
    this.#hasCaughtUp = true
    if (this.#grace) this.#grace.isOver = true
  }

  /** Goes on in a page that is at hand, or asks for one if there is room for it. */
  #nextPage(): LogEntry | undefined {
    const { pages } = this.#hub
    // A page whose entries were dropped before the cursor was through is read once more from there.
    const next = this.#page?.count === this.#index ? this.#page.next : undefined
    const position = next?.position ?? (this.#id === undefined ? undefined : { id: this.#id })
    const found = position && position.skipped === undefined ? pages.find(position.id) : undefined
    if (!found && !this.group.canRead()) return undefined
    this.#page = found?.page
    this.#index = found?.index ?? 0
    if (found) return found.page.at(found.index)
    const after = next?.after ?? this.#id
    const from = after === undefined ? { last: this.#replay ?? 0 } : { after }
    this.#request = pages.request(this, from, position)
    return undefined
  }
}

/**
 * Where the window goes on after an id, if it can be read from there. A window may hold more than the log retains, for
 * those who are reading it; who comes to it is told what the log tells.
 */
function joinWindow(
  { log: { retain } }: Hub,
  window: Window,
  after: EventId,
  nowMs: number,
): number | undefined {
  const following = window.after(after)
  const entry = following === undefined ? undefined : window.at(following)
  if (following === undefined || entry === undefined) return following
  if (window.end - following > retain.events) return undefined
  return entry.kind === 'event' && eventTimeMs(entry.id) < nowMs - retain.forMs
    ? undefined
    : following
}

function gapBetween(lastEventId: EventId, position: EventId, { cleared, report }: Hub): Gap {
  // A log that goes on further back than the reader stood is not the log that the reader knew, nor is one that was cleared.
  const isReset =
    compareEventIds(position, lastEventId) < 0 ||
    (cleared !== undefined &&
      lastEventId !== firstEventId &&
      compareEventIds(lastEventId, cleared) < 0)
  return { kind: 'gap', lastEventId, position, reason: isReset ? 'reset' : 'trimmed', report }
}
