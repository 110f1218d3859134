import type { EventId, ReadCause } from '@trpc-sse/protocol'
import type { ChangeResult, EntriesPage, EntriesRange, LogChange } from './entries.ts'

/** The limits of the events that a log keeps. The first limit that is reached applies. */
export interface Retention {
  /** The maximum number of events: a whole number, 1 or more. The newest events are kept. */
  readonly events: number
  /** The maximum age of an event, in milliseconds. */
  readonly forMs: number
}

/** The log that a backend call is about. */
export interface ChannelLog {
  /** The log's name: any text. Different texts name different logs. */
  readonly key: string
  readonly retain: Retention
  /** Set if the log has entries. In that case, every call for the log must set it. */
  readonly entries?: EntriesPolicy
}

/** How readers check the entries of a log. */
export interface EntriesPolicy {
  /**
   * The interval at which a reader checks for entries that expire, in milliseconds, while it knows
   * of none. At most the shortest `forMs` of any entry.
   */
  readonly checkMs: number
  /**
   * Whether an entry that expires is set only together with an event. Readers then look for it
   * after events only, `checkMs` later.
   */
  readonly setWithEvents?: boolean
}

/** One event of a log. */
export interface StoredEvent {
  readonly id: EventId
  /**
   * The id of the event stored before this one. For the first event of a log, it is the log's
   * origin.
   */
  readonly prev: EventId
  /** The payload: the JSON text that is sent to clients. */
  readonly data: string
}

/** The start and the limits of a read. */
export type ReadRange = ReadFrom & ReadBounds

/** The start of a read: after an id, or at the newest `last` events. */
export type ReadFrom = { readonly after: EventId } | { readonly last: number }

/** The limits of a read. */
export interface ReadBounds {
  /** The maximum number of events: a whole number. */
  readonly limit: number
  /**
   * The maximum size of the payloads, in bytes of UTF-8. The first event is returned whatever its
   * size.
   *
   * @default Infinity
   */
  readonly maxBytes?: number
}

/** Options of one `read`. */
export interface ReadOptions {
  /** Aborts when the result is no longer needed. The read then rejects, and isn't retried. */
  readonly signal?: AbortSignal
  /** Why the log is read, for traces. */
  readonly cause?: ReadCause
}

/**
 * A part of a log, oldest event first. The page reaches the end of the log if it is empty or its
 * last event is `lastEventId`. Otherwise, continue reading after its last event.
 */
export interface LogPage {
  readonly events: readonly StoredEvent[]
  /**
   * The id of the newest event at the moment of the read, even if that event is no longer retained.
   * For an empty log, it is the log's origin.
   */
  readonly lastEventId: EventId
  /** Set if the log retains fewer than the requested `last` events, though it has had more. */
  readonly trimmed?: true
  /** The log's origin since it was last cleared. A reader at an earlier id must see a reset. */
  readonly cleared?: EventId
  /**
   * The minimum time until an entry expires or the log is forgotten, in milliseconds; `undefined`
   * if neither will happen.
   */
  readonly expiresInMs?: number
}

/** The result of an `append`. */
export interface AppendResult {
  /** The ids, in the order of the payloads. */
  readonly ids: readonly EventId[]
  /**
   * Whether the idempotency key was known. If so, nothing was stored, and the ids are those of the
   * first append.
   */
  readonly duplicate: boolean
}

/** Options of one `append`. */
export interface AppendOptions {
  /** While the key is remembered, another append with the same key stores nothing. */
  readonly idempotencyKey?: string
  /** The time for which the key is remembered, in milliseconds. */
  readonly idempotencyMs?: number
  /** A promise to wait for, which never rejects. The wait counts towards the append's timeout. */
  readonly after?: Promise<unknown>
}

/** The callbacks of one listener. None may throw. */
export interface LogListener {
  /** A hint that this event was stored. */
  onEvent(event: StoredEvent): void
  /** Hints may have been lost: read the log. */
  onInterrupted(): void
  /** A process, which may be this one, has sent a text with `notify`. */
  onNotice?(text: string): void
}

/** Undoes a `listen`. Further calls have no effect. */
export type Unlisten = () => Promise<void>

/**
 * Stores logs. Any number of processes may use the same logs. Event ids have the form
 * `<milliseconds>-<sequence>`, both decimal.
 *
 * Each MUST has a number. `backendCases` of `@trpc-sse/server/testing` has a test case for each
 * number.
 */
export interface Backend {
  /**
   * Stores payloads at the end of a log.
   *
   * - B1: MUST store all payloads, contiguously and in order, or none.
   * - B2: MUST give each event an id greater than every earlier id of the log, and set its `prev`
   *   to the id before it.
   * - B3: MUST hint each stored event to every listener of the log, in every process and in order.
   * - B4: MUST keep logs with different keys apart, whatever characters the keys have.
   * - B5: MUST answer a known idempotency key with the first ids and `duplicate: true`, and store
   *   and hint nothing.
   * - B6: MUST reject with `BACKEND_UNAVAILABLE` after a bounded time if the log can't be reached.
   * - B7: MUST return payloads unchanged, whatever characters they have.
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
   * - B11: `events` and `lastEventId` MUST be read atomically: no append may happen between them.
   * - B12: `lastEventId` MUST outlive the events: it stays the same when they are trimmed or
   *   expire.
   * - B13: A log that lost data (emptied, restored, failed over) MUST NOT return an origin or an id
   *   that it returned before. A reader at any earlier id then detects that it has missed events.
   * - B14: The `lastEventId` of a log without events MUST work as `after`: the first event has this
   *   id as its `prev`.
   * - B20: With `maxBytes`, a page MUST end before its payloads exceed it, but MUST have one event
   *   if there is any.
   * - B21: `trimmed` MUST be set if and only if fewer than `last` events are retained though the
   *   log has had more.
   *
   * The cost of a read should depend on the size of the page, not on the length of the log. A log
   * that never had an append should be forgotten minutes after its last use.
   */
  read(log: ChannelLog, range: ReadRange, options?: ReadOptions): Promise<LogPage>
  /**
   * Deletes the events of a log.
   *
   * - B22: The log MUST then be empty, with a new origin that is greater than every earlier id.
   *   Every page MUST return that origin as `cleared` for as long as the log is remembered.
   * - B23: MUST call `onInterrupted` of every listener of the log, in every process.
   * - B24: MUST keep the idempotency keys: a repeated append stores nothing, even after a clear.
   */
  clear(log: ChannelLog): Promise<void>
  /**
   * Listens for hints about new events.
   *
   * - B15: MUST resolve only when every event that is stored from then on will be hinted.
   * - B16: MUST call `onInterrupted` after hints may have been lost, once hints arrive reliably
   *   again.
   * - B17: MUST NOT call a listener after its `unlisten`. Other listeners of the log MUST be
   *   unaffected, whatever the order and overlap of `listen` and `unlisten` calls.
   */
  listen(log: ChannelLog, listener: LogListener): Promise<Unlisten>
  /**
   * Sends a text to the current listeners of a log. Server links use `notify` to forward changes of
   * streams to each other. Without it, a client must open a new stream if its change arrives at a
   * process that doesn't have the stream.
   *
   * - B26: MUST call `onNotice` of every listener of the log, in every process, with exactly that
   *   text. MUST NOT store anything or create a log.
   * - B27: MUST resolve to `false` only if there was no listener.
   */
  notify?(log: ChannelLog, text: string): Promise<boolean>
  /**
   * Changes the entries of a log and stores events, in one atomic step. Entries are a small map
   * that a log has besides its events. Runs and state channels need them.
   *
   * - B28: MUST apply the whole change, or nothing. MUST do nothing if a condition doesn't hold.
   * - B29: MUST remove an entry that has expired, and store its `onExpiry` before anything else
   *   happens to the log. No read, change or listener may see one of the two without the other.
   * - B30: MUST apply a change once, even if it was sent again because its reply was lost.
   * - B31: MUST refuse a change if the log would then have more than `maxEntries` entries.
   * - B32: MUST forget the whole log `forgetAfterMs` after a change. Its readers see a reset (B13).
   * - B33: `clear` MUST delete the entries too.
   *
   * All times refer to the clock of the store, as the clocks of processes may differ.
   */
  change?(log: ChannelLog, change: LogChange): Promise<ChangeResult>
  /**
   * Reads entries of a log, page by page.
   *
   * - B34: A page and its `lastEventId` MUST be read atomically. All pages together MUST contain
   *   every entry that existed from the first page to the last.
   */
  entries?(log: ChannelLog, range: EntriesRange): Promise<EntriesPage>
  /**
   * Drops the connection on which hints arrive, as a network failure does. The inspector offers it
   * as a drill. Without it, the backend has no such connection.
   *
   * - B35: MUST connect again by itself, and then call `onInterrupted` of every listener (B16).
   */
  interruptListeners?(): void
  /**
   * Closes the backend.
   *
   * - B18: MUST close everything that the backend opened, and nothing that was passed to it. A
   *   second call MUST have no effect.
   * - B19: After `close`, `append`, `read` and `listen` MUST reject with `CLOSED`.
   */
  close(): Promise<void>
}
