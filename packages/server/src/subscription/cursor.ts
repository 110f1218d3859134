import {
  type Clock,
  compareEventIds,
  type EventId,
  eventTimeMs,
  firstEventId,
} from '@trpc-sse/protocol'
import type { Hub } from '../hub/hub.ts'
import type { FeedEvent, LogEntry } from '../hub/log-event.ts'
import type { OpeningReader } from '../hub/opening-reader.ts'
import type { Page } from '../hub/page.ts'
import type { PageConsumer, PageRequest } from '../hub/page-reader.ts'
import type { ReadGroup } from '../hub/reads.ts'
import type { Window } from '../hub/window.ts'
import type { Gap, LogFeed, ReaderState } from './feed.ts'

/** The start of a cursor: after an id, or before the last `replay` events (0: at the end). */
export type CursorStart = { readonly after: EventId } | { readonly replay: number }

/**
 * Set by a reader that pauses on purpose. Its cursor doesn't count as behind until it has caught
 * up.
 */
export interface Grace {
  isOver: boolean
}

/** Options of {@link createCursor}. */
export interface CursorOptions {
  /** Called when there may be an entry to read. */
  wake(): void
  readonly clock: Clock
  /** The group to which the reads of the log belong. */
  readonly group: ReadGroup
  readonly grace?: Grace | undefined
}

/**
 * Creates a reader of one hub. It is a position, not a queue. While the position is in the hub's
 * window, the cursor reads from there, otherwise page by page from the log. It returns a gap before
 * every entry that doesn't follow the previous one.
 */
export function createCursor(hub: Hub, start: CursorStart, options: CursorOptions): LogFeed {
  const cursor = new Cursor(hub, start, options)
  hub.attach(options.wake)
  if (hub.window) cursor.onOpened(hub.window.tail, hub.window.end)
  else hub.openingReaders.add(cursor)
  return cursor
}

class Cursor implements LogFeed, PageConsumer, OpeningReader {
  readonly group: ReadGroup
  readonly #hub: Hub
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #grace: Grace | undefined
  /** The number of newest events to start with; `undefined` if the cursor starts after an id. */
  readonly #replay: number | undefined
  #id: EventId | undefined
  /** The log's last id at the time when the cursor was created or its hub opened. */
  #end: EventId | undefined
  /** The number of the next entry in the window, while the position is in the window. */
  #sequence: number | undefined
  /** Whether the cursor has been at the end of the log. Until then it is not slow, but new. */
  #wasAtEnd = false
  /** The page to read while the position isn't in the window, and the index of the next entry. */
  #page: Page | undefined
  #index = 0
  /** The pending read of a page. */
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
    return this.#skipToLatest() ?? this.#next()
  }

  needValues(): void {
    if (!this.#needsValues) this.#hub.keepValues()
    this.#needsValues = true
  }

  isTooFarBehind(): boolean {
    return this.#hub.behind.policy === 'disconnect' && this.#wasAtEnd && this.isBehind()
  }

  readers(): readonly ReaderState[] {
    const { window, log } = this.#hub
    const id = this.#id
    const following = this.#sequence ?? (id === undefined ? undefined : window?.after(id))
    const lag = window && following !== undefined ? window.end - following : undefined
    return [{ log: log.key, position: id, lag }]
  }

  hasCaughtUp(): boolean {
    // Outside the window, the log may not continue from this position.
    if (this.#sequence === undefined || this.#id === undefined) return false
    return this.#end !== undefined && compareEventIds(this.#id, this.#end) >= 0
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
    if (this.#id === undefined && this.#startsTooLate(page)) {
      this.#id = this.#end
      this.#wake()
      return
    }
    this.#page = page
    this.#index = index
    // If events to replay are no longer retained, start before them, so that they cause a gap.
    this.#id ??= page.isTrimmed ? firstEventId : page.from
    const isEnd = page.count === index && page.next === undefined
    // The log is ahead of the hub, which wakes its readers once it has caught up.
    if (isEnd && window?.after(this.#id) === undefined && !page.isTrimmed) this.#hub.check()
    else this.#wake()
  }

  /**
   * Whether the page starts after `#end`, because many events were published since. The events
   * between `#end` and the page would then be missed.
   */
  #startsTooLate(page: Page): boolean {
    return !page.isTrimmed && this.#end !== undefined && compareEventIds(page.from, this.#end) > 0
  }

  onBackpressure(): void {
    this.#request = undefined
    this.#wake()
  }

  isBehind(): boolean {
    const { window, behind } = this.#hub
    if (window === undefined || this.#grace?.isOver === false) return false
    // A replay doesn't count as behind until it is complete.
    if (this.#replay !== undefined && !this.#wasAtEnd) return false
    const sequence = this.#sequence
    return (
      sequence === undefined || sequence < window.start || window.end - sequence > behind.events
    )
  }

  /** With the policy `latest`, moves a cursor that is too far behind to the newest event. */
  #skipToLatest(): Gap | undefined {
    if (this.#hub.behind.policy !== 'latest') return undefined
    const { window, closed, report } = this.#hub
    const id = this.#id
    if (window === undefined || id === undefined || closed) return undefined
    this.#sequence ??= joinWindow(this.#hub, window, id, this.#clock.now())
    const newest = window.at(window.end - 1)
    if (newest === undefined || !this.isBehind()) return undefined
    const position = newest.kind === 'event' ? newest.prev : newest.id
    this.#id = position
    this.#sequence = newest.kind === 'event' ? window.end - 1 : window.end
    return { kind: 'gap', lastEventId: id, position, reason: 'skipped', report }
  }

  #next(): FeedEvent | Gap | undefined {
    if (this.#hub.closed) throw this.#hub.closed
    for (;;) {
      const entry = this.#peek()
      if (entry === undefined || this.#id === undefined) return undefined
      const follows = entry.kind === 'event' ? entry.prev : entry.id
      if (follows !== this.#id) {
        const gap = gapBetween(this.#id, follows, this.#hub)
        // The entry follows this position, so the next call returns it.
        this.#id = follows
        return gap
      }
      this.#id = entry.id
      if (this.#sequence === undefined) this.#index += 1
      else this.#sequence += 1
      if (entry.kind === 'event') return entry
    }
  }

  /** Returns the next entry if it is in memory; otherwise requests its page. */
  #peek(): LogEntry | undefined {
    const { window } = this.#hub
    if (window === undefined || this.#request !== undefined) return undefined
    if (this.#sequence === undefined && this.#id !== undefined)
      this.#sequence = joinWindow(this.#hub, window, this.#id, this.#clock.now())
    if (this.#sequence !== undefined && this.#sequence >= window.start) {
      // While the cursor reads the window, it doesn't need the page.
      this.#page = undefined
      if (this.#sequence === window.end) this.#atEnd()
      return window.at(this.#sequence)
    }
    this.#sequence = undefined
    return this.#page?.at(this.#index) ?? this.#nextPage()
  }

  #atEnd(): void {
    this.#wasAtEnd = true
    if (this.#grace) this.#grace.isOver = true
  }

  /**
   * Continues in a page that is in memory. If there is none, requests one, unless there is
   * backpressure.
   */
  #nextPage(): LogEntry | undefined {
    const { pages } = this.#hub
    // If the page's entries were dropped before all were read, the cursor reads them again.
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
 * Returns the number of the entry after an id, if a cursor may start to read the window there. The
 * window may still have events that the log no longer retains, for cursors already in the window.
 * Late joiners must obey the retention.
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
  // A log that continues before the reader's position is a different log, and so is a cleared one.
  const isReset =
    compareEventIds(position, lastEventId) < 0 ||
    (cleared !== undefined &&
      lastEventId !== firstEventId &&
      compareEventIds(lastEventId, cleared) < 0)
  return { kind: 'gap', lastEventId, position, reason: isReset ? 'reset' : 'trimmed', report }
}
