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
export type ReadRange =
  | { readonly after: EventId; readonly limit: number }
  | { readonly last: number; readonly limit: number }

/** Part of a log, in order. */
export interface LogPage {
  readonly events: readonly StoredEvent[]
  /** The id of the newest event at the moment of the read, retained or not; for an empty log, its origin. */
  readonly lastEventId: EventId
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
}

/** Who is told of new events. Neither method may throw. */
export interface LogListener {
  /** A hint that this event was stored. */
  onEvent(event: StoredEvent): void
  /** Hints may have been lost: read the log. */
  onInterrupted(): void
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
   */
  append(log: ChannelLog, payloads: readonly string[], options?: AppendOptions): Promise<AppendResult>
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
   */
  read(log: ChannelLog, range: ReadRange): Promise<LogPage>
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
   * Lets go of everything.
   *
   * - B18: MUST close what the backend opened and nothing that was passed in. MUST be harmless the second time.
   * - B19: After it, `append`, `read` and `listen` MUST reject with `CLOSED`.
   */
  close(): Promise<void>
}
