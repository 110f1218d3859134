import { type Clock, compareEventIds, type EventId, eventTimeMs } from '@trpc-sse/protocol'
import type { Hub } from './hub.ts'
import type { FeedEvent, Gap, LogEntry } from './log-event.ts'
import { createPages, type Pages } from './pages.ts'
import type { Window } from './window.ts'

/** What a subscription reads from: events and gaps, one at a time, in order. */
export interface Feed {
  /**
   * The next event or gap; `undefined` if there is none now. After `undefined`, `wake` is called when there may be
   * one. Throws what ended the feed.
   */
  next(): FeedEvent | Gap | undefined
  /** What resumes right here; `undefined` until it is known where the feed starts. */
  position(): string | undefined
  /** Asks for events with their values, so that a payload which is decoded to check it isn't decoded again. */
  needValues(): void
  /** Whether its reader is so slow that it shall be cut off; absent where none ever is. */
  readonly isTooFarBehind?: () => boolean
  /** Lets go. Calling it twice is harmless. */
  close(): void
}

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
  readonly grace?: Grace | undefined
}

/** A position in a hub's log. */
interface Cursor extends CursorOptions {
  readonly hub: Hub
  readonly start: CursorStart
  id: EventId | undefined
  /** The number of the next entry in the hub's window, while the position is in it. */
  sequence: number | undefined
  /** Whether it has been at the end of the log: before that it isn't slow, but has just come. */
  hasCaughtUp: boolean
  /** What it reads of the log. Most never leave the window, and have none. */
  pages: Pages | undefined
  needsValues: boolean
}

/**
 * Creates a reader of one hub: a position, not a queue. It reads from the hub's window where its position is in
 * it, else page by page from the log, and marks a gap at every entry that does not follow the one before.
 */
export function createCursor(hub: Hub, start: CursorStart, { wake, clock, grace }: CursorOptions): Feed {
  const id = 'after' in start ? start.after : undefined
  const cursor: Cursor = {
    hub,
    start,
    wake,
    clock,
    grace,
    id,
    sequence: undefined,
    hasCaughtUp: false,
    pages: undefined,
    needsValues: false,
  }
  hub.attach(wake)
  const feed: Feed = {
    position() {
      if (cursor.id === undefined) peek(cursor)
      return cursor.id
    },
    next: () => skip(cursor) ?? next(cursor),
    needValues() {
      if (!cursor.needsValues) hub.valueReaders += 1
      cursor.needsValues = true
    },
    close() {
      if (cursor.needsValues) hub.valueReaders -= 1
      cursor.needsValues = false
      cursor.pages?.close()
      cursor.hub.detach(cursor.wake)
    },
  }
  if (hub.behind.policy !== 'disconnect') return feed
  return { ...feed, isTooFarBehind: () => cursor.hasCaughtUp && isTooFarBehind(cursor) }
}

function isTooFarBehind({ hub: { window, behind }, sequence, grace }: Cursor): boolean {
  if (window === undefined || grace?.isOver === false) return false
  return sequence === undefined || sequence < window.start || window.end - sequence > behind.events
}

/** Goes on at the newest event, where the channel wants that of who is too far behind. */
function skip(cursor: Cursor): Gap | undefined {
  const { hub, id } = cursor
  const { window, behind } = hub
  if (behind.policy !== 'latest' || window === undefined || id === undefined || hub.closed) return undefined
  // Who asked for the newest events is not behind before it has had them.
  if ('replay' in cursor.start && !cursor.hasCaughtUp) return undefined
  cursor.sequence ??= joinWindow(hub, window, id, cursor.clock.now())
  const newest = window.at(window.end - 1)
  if (newest === undefined || !isTooFarBehind(cursor)) return undefined
  const position = newest.kind === 'event' ? newest.prev : newest.id
  cursor.id = position
  cursor.sequence = newest.kind === 'event' ? window.end - 1 : window.end
  return { kind: 'gap', lastEventId: id, position, reason: 'skipped', report: hub.report }
}

function next(cursor: Cursor): FeedEvent | Gap | undefined {
  const { hub } = cursor
  if (hub.closed) throw hub.closed
  for (let entry = peek(cursor); entry !== undefined && cursor.id !== undefined; entry = peek(cursor)) {
    const follows = entry.kind === 'event' ? entry.prev : entry.id
    if (follows !== cursor.id) {
      const gap = gapBetween(cursor.id, follows, hub.report)
      // What the log goes on with comes next; it follows this position.
      cursor.id = follows
      return gap
    }
    advance(cursor, entry)
    if (entry.kind === 'event') return entry
  }
  return undefined
}

/** The entry at the position, if it is at hand; else asks for it. */
function peek(cursor: Cursor): LogEntry | undefined {
  const { hub, start } = cursor
  const { window } = hub
  if (window === undefined || cursor.pages?.reading()) return undefined
  if (cursor.id === undefined && 'replay' in start && start.replay === 0) {
    cursor.id = window.tail
    cursor.sequence = window.end
  }
  if (cursor.sequence === undefined && cursor.id !== undefined)
    cursor.sequence = joinWindow(hub, window, cursor.id, cursor.clock.now())
  if (cursor.sequence !== undefined && cursor.sequence >= window.start) {
    // What is left of a page is out of date once the window is read.
    cursor.pages?.drop()
    if (cursor.sequence === window.end) caughtUp(cursor)
    return window.at(cursor.sequence)
  }
  cursor.sequence = undefined
  cursor.pages ??= openPages(cursor)
  return cursor.pages.peek() ?? cursor.pages.request(cursor.id)
}

function caughtUp(cursor: Cursor): void {
  cursor.hasCaughtUp = true
  if (cursor.grace) cursor.grace.isOver = true
}

function advance(cursor: Cursor, entry: LogEntry): void {
  cursor.id = entry.id
  if (cursor.sequence !== undefined) cursor.sequence += 1
  else cursor.pages?.advance()
}

function openPages(cursor: Cursor): Pages {
  const { hub, clock, start } = cursor
  return createPages(hub, {
    clock,
    replay: 'replay' in start ? start.replay : 0,
    onPage(from) {
      cursor.id ??= from
      cursor.wake()
    },
  })
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
  return entry.kind === 'event' && eventTimeMs(entry.id) < nowMs - retain.forMs ? undefined : following
}

function gapBetween(lastEventId: EventId, position: EventId, report: Gap['report']): Gap {
  // A log that goes on further back than the reader stood is not the log that the reader knew.
  const reason = compareEventIds(position, lastEventId) > 0 ? 'trimmed' : 'reset'
  return { kind: 'gap', lastEventId, position, reason, report }
}
