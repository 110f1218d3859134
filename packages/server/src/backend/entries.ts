import type { EventId } from '@trpc-sse/protocol'

/** A condition of a change: the required value of an entry. */
export interface EntryCondition {
  readonly key: string
  /** The required value; `null` if the entry must not exist. */
  readonly is: string | null
}

/** An entry to set. */
export interface EntryUpdate {
  /** The entry's name: any text except the empty one. */
  readonly key: string
  readonly value: string
  /**
   * The time until the entry expires, in milliseconds from the change. Without it, the entry never
   * expires.
   */
  readonly forMs?: number
  /** The payload of the event to store when the entry expires. Without it, no event is stored. */
  readonly onExpiry?: string
}

/** A change of a log's entries, and the events to store with it. */
export interface LogChange {
  /** The conditions of the change. If one doesn't hold, nothing changes. */
  readonly when?: readonly EntryCondition[]
  readonly delete?: readonly string[]
  readonly set?: readonly EntryUpdate[]
  /** The payloads of events to store. */
  readonly payloads?: readonly string[]
  /** The maximum number of entries after the change. If there would be more, nothing changes. */
  readonly maxEntries?: number
  /**
   * Forgets the log this many milliseconds after the change, with its entries, events and last id.
   * A later change without `forgetAfterMs` keeps the log.
   */
  readonly forgetAfterMs?: number
}

/** The result of a change. */
export interface ChangeResult {
  /** `'conflict'` if a condition didn't hold, `'full'` if there would be too many entries. */
  readonly outcome: 'changed' | 'conflict' | 'full'
  /** The ids of the stored events, in the order of the payloads. */
  readonly ids: readonly EventId[]
  /** The values of the entries in `when` before the change, in the same order. */
  readonly current: readonly (string | null)[]
}

/** The entries to read. */
export interface EntriesRange {
  /** The `next` of the previous page. */
  readonly after?: string
  /** The approximate number of entries to read. A page may have more. */
  readonly limit: number
}

/**
 * A page of a log's entries. Pages are read at different moments: an entry that exists all the time
 * is in at least one page.
 */
export interface EntriesPage {
  readonly entries: readonly (readonly [key: string, value: string])[]
  /** The log's last id at the moment of the read. */
  readonly lastEventId: EventId
  /** The start of the next page, for `after`; `undefined` if this is the last page. */
  readonly next?: string
}
