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
  /** Lets go. Calling it twice is harmless. */
  close(): void
}

/** Where a cursor starts: after an id, that many events before the end of the log, or at its end. */
export type CursorStart = { readonly after: EventId } | { readonly replay: number }

/** What a cursor is made with. */
export interface CursorOptions {
  /** Called when there may be something to read. */
  wake(): void
  readonly clock: Clock
  /** Goes with every gap: whom to tell of it. */
  report: Gap['report']
}

/**
 * Creates a reader of one hub: a position, not a queue. It reads from the hub's window where its position is in
 * it, else page by page from the log, and marks a gap at every entry that does not follow the one before.
 */
export function createCursor(hub: Hub, start: CursorStart, { wake, clock, report }: CursorOptions): Feed {
  let id = 'after' in start ? start.after : undefined
  // The number of the next entry in the hub's window, while the position is in it.
  let sequence: number | undefined
  // Most cursors never leave the window, and have none.
  let pages: Pages | undefined
  hub.attach(wake)

  function openPages(): Pages {
    return createPages(hub, {
      clock,
      replay: 'replay' in start ? start.replay : 0,
      onPage(from) {
        id ??= from
        wake()
      },
    })
  }

  /** The entry at the position, if it is at hand; else asks for it. */
  function peek(): LogEntry | undefined {
    const { window } = hub
    if (window === undefined || pages?.reading()) return undefined
    if (id === undefined && 'replay' in start && start.replay === 0) {
      id = window.tail
      sequence = window.end
    }
    if (sequence === undefined && id !== undefined) sequence = joinWindow(hub, window, id, clock.now())
    if (sequence !== undefined && sequence >= window.start) {
      // What is left of a page is out of date once the window is read.
      pages?.drop()
      return window.at(sequence)
    }
    sequence = undefined
    pages ??= openPages()
    return pages.peek() ?? pages.request(id)
  }

  function advance(entry: LogEntry): void {
    id = entry.id
    if (sequence !== undefined) sequence += 1
    else pages?.advance()
  }

  return {
    position() {
      if (id === undefined) peek()
      return id
    },
    next() {
      if (hub.closed) throw hub.closed
      for (let entry = peek(); entry !== undefined && id !== undefined; entry = peek()) {
        const follows = entry.kind === 'event' ? entry.prev : entry.id
        if (follows !== id) {
          const gap = gapBetween(id, follows, report)
          // What the log goes on with comes next; it follows this position.
          id = follows
          return gap
        }
        advance(entry)
        if (entry.kind === 'event') return entry
      }
      return undefined
    },
    close() {
      pages?.close()
      hub.detach(wake)
    },
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
  return entry.kind === 'event' && eventTimeMs(entry.id) < nowMs - retain.forMs ? undefined : following
}

function gapBetween(lastEventId: EventId, position: EventId, report: Gap['report']): Gap {
  // A log that goes on further back than the reader stood is not the log that the reader knew.
  const reason = compareEventIds(position, lastEventId) > 0 ? 'trimmed' : 'reset'
  return { kind: 'gap', lastEventId, position, reason, report }
}
