import type { EventId } from '@trpc-sse/protocol'

/** How much of a log is kept. Whichever bound is reached first applies. */
export interface Retention {
  /** The newest events that are kept: a whole number, 1 or more. */
  readonly events: number
  /** How long an event is kept, in milliseconds. */
  readonly forMs: number
}

/** One log, as a backend is asked for it. */
export interface ChannelLog {
  /** Names the log. Any text; two different texts are two different logs. */
  readonly key: string
  readonly retain: Retention
}

/** One entry of a log. */
export interface StoredEvent {
  readonly id: EventId
  /** The id of the event stored before this one; for the first event of a log, its origin. */
  readonly prev: EventId
  /** The payload: the JSON text that goes on the wire. */
  readonly data: string
}

/** What to read: what follows an id, or the newest `last` events. */
export type ReadRange = ReadFrom & ReadBounds

/** Where to start reading. */
export type ReadFrom = { readonly after: EventId } | { readonly last: number }

/** How much to read at most. */
export interface ReadBounds {
  /** Events, a whole number. */
  readonly limit: number
  /** Bytes of payload, as UTF-8. The first event is returned whatever its size. Without it there is no such bound. */
  readonly maxBytes?: number
}

/** Options of one `read`. */
export interface ReadOptions {
  /** Aborts when nobody waits for the answer any more. The read then rejects, and isn't repeated. */
  readonly signal?: AbortSignal
}

/**
 * Part of a log, in order. A page reaches the end of the log if it has no events, or if its last event is
 * `lastEventId`. In every other case, go on reading after its last event.
 */
export interface LogPage {
  readonly events: readonly StoredEvent[]
  /** The id of the newest event at the moment of the read, retained or not; for an empty log, its origin. */
  readonly lastEventId: EventId
  /** The log retains fewer than the `last` events that were asked for, though it has had more. */
  readonly trimmed?: true
  /** The origin that the log got when it was last cleared. A reader at an earlier id knows another log. */
  readonly cleared?: EventId
}

/** What became of an `append`. */
export interface AppendResult {
  /** The ids, in the order of the payloads. */
  readonly ids: readonly EventId[]
  /** Whether the idempotency key was known: nothing was stored, the ids are those of the first time. */
  readonly duplicate: boolean
}

/** Options of one `append`. */
export interface AppendOptions {
  /** A second append with the same key stores nothing. */
  readonly idempotencyKey?: string
  /** How long the key is remembered, in milliseconds. */
  readonly idempotencyMs?: number
  /** What the append has to come after. Never rejects. Waiting for it is part of the call, and of its bounded time. */
  readonly after?: Promise<unknown>
}

/** Who is told of new events. No method may throw. */
export interface LogListener {
  /** A hint that this event was stored. */
  onEvent(event: StoredEvent): void
  /** Hints may have been lost: read the log. */
  onInterrupted(): void
  /** Somebody has handed over a text. */
  onNotice?(text: string): void
}

/** Undoes a `listen`. Calling it twice is harmless. */
export type Unlisten = () => Promise<void>

/**
 * Where logs live. `backendCases` of `@trpc-sse/server/testing` has a case for each MUST here; the number in
 * front names it. Ids are decimal `<milliseconds>-<sequence>`. Any number of processes may use the same logs.
 */
export interface Backend {
  /**
   * Stores payloads at the end of a log.
   *
   * - B1: MUST store all payloads, contiguously and in their order, or none.
   * - B2: MUST give every event an id greater than every id of that log before it, and as `prev` the id before it.
   * - B3: MUST hint every listener of that log, in every process, of each event, in order, once stored.
   * - B4: MUST keep logs with different keys apart, whatever characters the keys have.
   * - B5: MUST answer a known idempotency key with the first ids and `duplicate: true`, storing and hinting nothing.
   * - B6: MUST reject with `BACKEND_UNAVAILABLE` after a bounded time if the log can't be reached.
   * - B7: MUST give payloads back exactly as they were, whatever characters they have.
   * - B25: MUST NOT store anything before `after` has settled, or after it has rejected meanwhile (B6).
   */
  append(
    log: ChannelLog,
    payloads: readonly string[],
    options?: AppendOptions,
  ): Promise<AppendResult>
  /**
   * Reads part of a log.
   *
   * - B8: `{ after, limit }` MUST return the oldest `limit` retained events with ids greater than `after`.
   * - B9: `{ last, limit }` MUST return the oldest `limit` of the newest `last` retained events.
   * - B10: MUST NOT return events beyond the retention, by count or by age.
   * - B11: `events` and `lastEventId` MUST be of one moment: no append falls between them.
   * - B12: `lastEventId` MUST outlive the events: it stays when they are trimmed or expire.
   * - B13: A log that lost its memory (emptied, restored, failed over) MUST NOT name an origin or an id that it
   *   gave out before: a reader that stands at any earlier id sees that it has missed something.
   * - B14: The `lastEventId` of a log without events MUST be usable as `after`: the first event has it as `prev`.
   * - B20: With `maxBytes`, a page MUST end before the payloads exceed it, but MUST have one event if there is any.
   * - B21: `trimmed` MUST be set if fewer than `last` events are retained though the log has had more, and in no
   *   other case.
   *
   * The cost of a read should depend on the size of the page, never on the length of the log. A log that nothing was
   * ever appended to should be forgotten minutes after its last use.
   */
  read(log: ChannelLog, range: ReadRange, options?: ReadOptions): Promise<LogPage>
  /**
   * Deletes the events of a log.
   *
   * - B22: After it the log MUST be empty, at a new origin that is greater than every id before, and `cleared` MUST name
   *   that origin in every page, for as long as the log is remembered.
   * - B23: MUST call `onInterrupted` of every listener of that log, in every process.
   * - B24: MUST keep what is known of idempotency keys: an append that is repeated after it stores nothing.
   */
  clear(log: ChannelLog): Promise<void>
  /**
   * Asks to be told of new events.
   *
   * - B15: MUST resolve only when every event stored from then on is hinted.
   * - B16: MUST call `onInterrupted` when hints may have been lost and hints are sure to come again.
   * - B17: After `unlisten` no hint MUST come, and other listeners of the log are unaffected, whatever the order and
   *   overlap of `listen` and `unlisten` calls.
   */
  listen(log: ChannelLog, listener: LogListener): Promise<Unlisten>
  /**
   * Hands a text to those who listen to a log now. Server links send each other changes of streams that way; without it, a
   * change that reaches another process than the stream's makes the client open a new stream.
   *
   * - B26: MUST call `onNotice` of every listener of that log, in every process, with exactly that text, and MUST leave nothing
   *   behind: it stores nothing, and a log that was not there isn't there after it.
   * - B27: MUST resolve to `false` only if nobody was told.
   */
  notify?(log: ChannelLog, text: string): Promise<boolean>
  /**
   * Lets go of everything.
   *
   * - B18: MUST close what the backend opened and nothing that was passed in. MUST be harmless the second time.
   * - B19: After it, `append`, `read` and `listen` MUST reject with `CLOSED`.
   */
  close(): Promise<void>
}
