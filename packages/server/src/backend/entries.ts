import type { EventId } from '@trpc-sse/protocol'

/** A condition of a change: what the value of an entry must be. */
export interface EntryCondition {
  readonly key: string
  /** The value that it must have; `null` if there must be no such entry. */
  readonly is: string | null
}

/** An entry as a change sets it. */
export interface EntryUpdate {
  /** Any text but the empty one. */
  readonly key: string
  readonly value: string
  /** When it expires, in milliseconds from the change; never if there is none. */
  readonly forMs?: number
  /** The payload of the event that is stored when it expires; no event if there is none. */
  readonly onExpiry?: string
}

/** A change of a log's entries, with the events that tell of it. */
export interface LogChange {
  /** If one of these doesn't hold, nothing changes. */
  readonly when?: readonly EntryCondition[]
  readonly delete?: readonly string[]
  readonly set?: readonly EntryUpdate[]
  /** The payloads of events to store. */
  readonly payloads?: readonly string[]
  /** How many entries the log may have after the change. More: nothing changes. */
  readonly maxEntries?: number
  /**
   * Forgets the log so many milliseconds after the change, with its entries, events and last id. A
   * later change without it keeps the log.
   */
  readonly forgetAfterMs?: number
}

/** The result of a change. */
export interface ChangeResult {
  /** `'conflict'` if a condition didn't hold, `'full'` if there would be too many entries. */
  readonly outcome: 'changed' | 'conflict' | 'full'
  /** The ids of the events, in the order of the payloads. */
  readonly ids: readonly EventId[]
  /** The values of the entries in `when`, in their order, as they were before the change. */
  readonly current: readonly (string | null)[]
}

/** Which entries to read. */
export interface EntriesRange {
  /** Where the page before ended: its `next`. */
  readonly after?: string
  /** About how many entries to read. A page may have more. */
  readonly limit: number
}

/**
 * Some entries of a log. Pages are of different moments: an entry that is there all the time is in
 * at least one of them.
 */
export interface EntriesPage {
  readonly entries: readonly (readonly [key: string, value: string])[]
  /** The log's last id at the moment of the read. */
  readonly lastEventId: EventId
  /** Where the next page starts; `undefined` if this is the last one. */
  readonly next?: string
}
