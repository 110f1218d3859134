import type { EventId } from '@trpc-sse/protocol'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import type { LogEntry, LogEvent } from './log-event.ts'

/** The position of a reader of a log. */
export interface LogPosition {
  readonly id: EventId
  /**
   * An undecodable event after `id` that was skipped. The event after it counts as following `id`.
   */
  readonly skipped?: EventId
}

/** The next page to read. */
export interface NextPage {
  /** The position that the page must follow. */
  readonly position: LogPosition
  /** The id to read after. */
  readonly after: EventId
}

/**
 * The decoded entries of a page. An event marks a gap if its `prev` isn't the id of the entry
 * before.
 */
export interface CheckedPage {
  readonly entries: readonly LogEntry[]
  /** The page to read next; `undefined` if this page reaches the end of the log. */
  readonly next: NextPage | undefined
}

/**
 * Decodes a stored event; `prev` is the id that it follows. Returns `undefined` for an undecodable
 * event.
 */
export type DecodeEvent = (stored: StoredEvent, prev: EventId) => LogEvent | undefined

/**
 * Decodes a page, and checks that it follows the position from which it was read.
 *
 * An undecodable event is skipped without a gap, as if it had never been stored: the next event
 * follows the previous one. Every other break in the chain of `prev` stays visible. If the log's
 * last id isn't the last entry, a jump to that id is added.
 */
export function checkContiguity(
  from: LogPosition,
  page: LogPage,
  decode: DecodeEvent,
): CheckedPage {
  const entries: LogEntry[] = []
  let position = from.id
  let skipped = from.skipped
  for (const stored of page.events) {
    const follows = stored.prev === position || stored.prev === skipped
    const event = decode(stored, follows ? position : stored.prev)
    if (event === undefined) {
      if (follows) skipped = stored.id
      continue
    }
    entries.push(event)
    position = event.id
    skipped = undefined
  }
  const last = page.events.at(-1)
  if (last !== undefined && last.id !== page.lastEventId) {
    const next = skipped === undefined ? { id: position } : { id: position, skipped }
    return { entries, next: { position: next, after: last.id } }
  }
  if (page.lastEventId !== position && page.lastEventId !== skipped) {
    entries.push({ kind: 'jump', id: page.lastEventId })
  }
  return { entries, next: undefined }
}
