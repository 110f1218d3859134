import type { EventId } from '@trpc-sse/protocol'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import type { LogEntry, LogEvent } from './log-event.ts'

/** Where a reader of a log stands. */
export interface LogPosition {
  readonly id: EventId
  /** An undecodable event that follows `id` and was left out: what follows it follows `id`. */
  readonly skipped?: EventId
}

/** A page of a log, with every place marked where it does not go on from the entry before. */
export interface LinkedPage {
  readonly entries: readonly LogEntry[]
  /** From where to read on, and after which id; `undefined` if this page reaches the end of the log. */
  readonly next: { readonly position: LogPosition; readonly after: EventId } | undefined
}

/** Makes an event of what is stored, or nothing if the payload can't be read. `prev` is what it is to follow. */
export type DecodeEvent = (stored: StoredEvent, prev: EventId) => LogEvent | undefined

/**
 * Links a page to the position it was read from. What can't be decoded is left out as if it had never been
 * stored: an event that follows it follows the one before. That alone is no gap; everything else that breaks the
 * chain of `prev` stays visible, and so does a log whose last id is not the last entry.
 */
export function linkEntries(from: LogPosition, page: LogPage, decode: DecodeEvent): LinkedPage {
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
