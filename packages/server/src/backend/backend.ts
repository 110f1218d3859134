import type { EventId } from '@trpc-sse/protocol'
import type { ChangeResult, EntriesPage, EntriesRange, LogChange } from './entries.ts'

/** How much of a log is kept. Whichever limit is reached first applies. */
export interface Retention {
  /** How many of the newest events are kept: a whole number, 1 or more. */
  readonly events: number
  /** How long an event is kept, in milliseconds. */
  readonly forMs: number
}

/** One log, as a backend is asked for it. */
export interface ChannelLog {
  /** The log's name. Any text; different texts are different logs. */
  readonly key: string
  readonly retain: Retention
  /** Set if the log has entries. Each use of the log must have it then. */
  readonly entries?: EntriesPolicy
}

/** How the entries of a log are kept. */
export interface EntriesPolicy {
  /**
   * How often a reader looks for entries that expire, in milliseconds, while it knows of none.
   * At most the shortest `forMs` of an entry.
   */
  readonly checkMs: number
}

/** One event of a log. */
export interface StoredEvent {
  readonly id: EventId
  /** The id of the event stored before this one; for the first event of a log, the log's origin. */
  readonly prev: EventId
  /** The payload: the JSON text that goes on the wire. */
  readonly data: string
}

/** What to read, and how much of it at most. */
export type ReadRange = ReadFrom & ReadBounds

/** Where to start: after an id, or at the newest `last` events. */
export type ReadFrom = { readonly after: EventId } | { readonly last: number }

/** How much to read at most. */
export interface ReadBounds {
  /** Events, a whole number. */
  readonly limit: number
  /**
   * Bytes of payload as UTF-8. The first event is returned whatever its size.
   *
   * @default Infinity
   */
  readonly maxBytes?: number
}

/** Options of one `read`. */
export interface ReadOptions {
  /** Aborts when the result is no longer needed. The read then rejects, and isn't retried. */
  readonly signal?: AbortSignal
}

/**
 * Part of a log, oldest event first. The page reaches the end of the log if it is empty or its last
 * event is `lastEventId`. Otherwise continue reading after its last event.
 */
export interface LogPage {
  readonly events: readonly StoredEvent[]
  /**
   * The newest event's id at the moment of the read, retained or not; for an empty log, its origin.
   */
  readonly lastEventId: EventId
  /** Set if the log retains fewer than the requested `last` events, though it has had more. */
  readonly trimmed?: true
  /** The log's origin since it was last cleared. A reader at an earlier id must see a reset. */
  readonly cleared?: EventId
  /**
   * In how many milliseconds the next entry expires or the log is forgotten, at the earliest;
   * `undefined` if neither will happen.
   */
  readonly expiresInMs?: number
}

/** The result of an `append`. */
export interface AppendResult {
  /** The ids, in the order of the payloads. */
  readonly ids: readonly EventId[]
  /**
   * Whether the idempotency key was known: nothing was stored, the ids are those of the first time.
   */
  readonly duplicate: boolean
}

/** Options of one `append`. */
export interface AppendOptions {
  /** While the key is remembered, another append with it stores nothing. */
  readonly idempotencyKey?: string
  /** How long the key is remembered, in milliseconds. */
  readonly idempotencyMs?: number
  /** A promise to wait for, which never rejects. The wait is part of the append's bounded time. */
  readonly after?: Promise<unknown>
}

/** The callbacks of one listener. None may throw. */
export interface LogListener {
  /** A hint that this event was stored. */
  onEvent(event: StoredEvent): void
  /** Hints may have been lost: read the log. */
  onInterrupted(): void
  /** Another process, or this one, has sent a text by `notify`. */
  onNotice?(text: string): void
}

/** Undoes a `listen`. Calling it twice is harmless. */
export type Unlisten = () => Promise<void>

/**
 * Where logs live. Any number of processes may use the same logs. Ids are decimal
 * `<milliseconds>-<sequence>`.
 *
 * Each MUST has a number, and a case of that number in `backendCases` of
 * `@trpc-sse/server/testing`.
 */
export interface Backend {
  /**
   * Stores payloads at the end of a log.
   *
   * - B1: MUST store all payloads, contiguously and in their order, or none.
   * - B2: MUST give each event an id greater than every earlier id of the log, and as `prev` the id
   *   before it.
   * - B3: MUST hint each stored event to every listener of the log, in every process and in order.
   * - B4: MUST keep logs with different keys apart, whatever characters the keys have.
   * - B5: MUST answer a known idempotency key with the first ids and `duplicate: true`, and store
   *   and hint nothing.
   * - B6: MUST reject with `BACKEND_UNAVAILABLE` after a bounded time if the log can't be reached.
   * - B7: MUST return payloads exactly as they were, whatever characters they have.
   * - B25: MUST NOT store anything before `after` has settled, nor once the append has rejected
   *   (B6).
   */
  append(
    log: ChannelLog,
    payloads: readonly string[],
    options?: AppendOptions,
  ): Promise<AppendResult>
  /**
   * Reads part of a log.
   *
   * - B8: `{ after, limit }` MUST return the oldest `limit` retained events with ids greater than
   *   `after`.
   * - B9: `{ last, limit }` MUST return the oldest `limit` of the newest `last` retained events.
   * - B10: MUST NOT return events beyond the retention, by count or by age.
   * - B11: `events` and `lastEventId` MUST be of one moment: no append falls between them.
   * - B12: `lastEventId` MUST outlive the events: it stays when they are trimmed or expire.
   * - B13: A log that lost its memory (emptied, restored, failed over) MUST NOT name an origin or
   *   an id that it gave out before. A reader at any earlier id then sees that it has missed
   *   something.
   * - B14: The `lastEventId` of a log without events MUST be usable as `after`: the first event has
   *   it as `prev`.
   * - B20: With `maxBytes`, a page MUST end before its payloads exceed it, but MUST have one event
   *   if there is any.
   * - B21: `trimmed` MUST be set if fewer than `last` events are retained though the log has had
   *   more, and in no other case.
   *
   * The cost of a read should depend on the size of the page, never on the length of the log. A log
   * without any append should be forgotten minutes after its last use.
   */
  read(log: ChannelLog, range: ReadRange, options?: ReadOptions): Promise<LogPage>
  /**
   * Deletes the events of a log.
   *
   * - B22: The log MUST then be empty, at a new origin that is greater than every id before. Every
   *   page MUST name that origin as `cleared` for as long as the log is remembered.
   * - B23: MUST call `onInterrupted` of every listener of the log, in every process.
   * - B24: MUST keep the idempotency keys: an append that is repeated after it stores nothing.
   */
  clear(log: ChannelLog): Promise<void>
  /**
   * Listens for hints about new events.
   *
   * - B15: MUST resolve only when every event stored from then on is hinted.
   * - B16: MUST call `onInterrupted` when hints may have been lost and hints are sure to come
   *   again.
   * - B17: After `unlisten` no hint MUST come. Other listeners of the log MUST be unaffected,
   *   whatever the order and overlap of `listen` and `unlisten` calls.
   */
  listen(log: ChannelLog, listener: LogListener): Promise<Unlisten>
  /**
   * Sends a text to the current listeners of a log. Server links use it to send each other changes
   * of streams. Without it, a client whose change reaches another process than its stream opens a
   * new stream.
   *
   * - B26: MUST call `onNotice` of every listener of the log, in every process, with exactly that
   *   text. MUST store nothing, and create no log.
   * - B27: MUST resolve to `false` only if there was no listener.
   */
  notify?(log: ChannelLog, text: string): Promise<boolean>
  /**
   * Changes the entries of a log, and stores events, in one step. Entries are a small map beside the
   * events. Runs and state channels need it.
   *
   * - B28: MUST change all that is asked for, or nothing. MUST do nothing if a condition doesn't
   *   hold.
   * - B29: MUST remove an entry once its time is up, and store its `onExpiry` before anything else
   *   happens to the log. No read, change or listener may notice one without the other.
   * - B30: MUST apply a change once, though its answer was lost and it was sent again.
   * - B31: MUST refuse a change after which there would be more than `maxEntries` entries.
   * - B32: MUST forget the whole log `forgetAfterMs` after a change. Its readers see a reset (B13).
   * - B33: `clear` MUST delete the entries too.
   *
   * Time is that of the store: clocks of processes may differ.
   */
  change?(log: ChannelLog, change: LogChange): Promise<ChangeResult>
  /**
   * Reads entries of a log, page by page.
   *
   * - B34: A page and its `lastEventId` MUST be of one moment. All pages together MUST have every
   *   entry that existed from the first to the last of them.
   */
  entries?(log: ChannelLog, range: EntriesRange): Promise<EntriesPage>
  /**
   * Closes the backend.
   *
   * - B18: MUST close what the backend opened, and nothing that was passed in. MUST be harmless the
   *   second time.
   * - B19: After it, `append`, `read` and `listen` MUST reject with `CLOSED`.
   */
  close(): Promise<void>
}
