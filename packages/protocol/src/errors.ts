/** All error codes that a caller can act on; `true` if a retry can help. */
export interface RealtimeErrorCodes {
  /** An option has a value that can't work. */
  readonly INVALID_OPTION: false
  /** An event doesn't fit its channel's schema, or isn't JSON. */
  readonly INVALID_EVENT: false
  /** An event is larger than its channel allows. */
  readonly EVENT_TOO_LARGE: false
  /** A channel's params don't fit its schema, or can't name a log. */
  readonly INVALID_PARAMS: false
  /** A `lastEventId` was not issued by any channel. */
  readonly INVALID_LAST_EVENT_ID: false
  /** A stored payload can't be decoded. The event is skipped. */
  readonly UNDECODABLE_EVENT: false
  /** Events are no longer available, and the subscription asked for an error in that case. */
  readonly GAP: false
  /**
   * A subscription is further behind than its channel allows. A new subscription resumes from the
   * same position.
   */
  readonly TOO_FAR_BEHIND: true
  /** The backend didn't answer in time. A publish may or may not have been stored. */
  readonly BACKEND_UNAVAILABLE: true
  /** It is no longer possible to find out whether a publish was stored. */
  readonly PUBLISH_UNCONFIRMED: false
  /** A run failed: its source threw, or yielded a value that doesn't fit the schema. */
  readonly RUN_FAILED: false
  /** A run was abandoned: its producer is gone, or lost the backend. */
  readonly RUN_ABANDONED: false
  /** A run has not begun in the time that its follower waits for the start. */
  readonly RUN_NOT_STARTED: false
  /** A state channel has as many entries as its limit allows. */
  readonly TOO_MANY_ENTRIES: false
  /** An entry was changed by others each time before an update was stored. */
  readonly UPDATE_CONFLICT: true
  /** The channels or the backend were closed. */
  readonly CLOSED: false
  /** A limit on the number of connections is reached. */
  readonly TOO_MANY_CONNECTIONS: true
  /** A limit on the number of channels that are read at the same time is reached. */
  readonly TOO_MANY_CHANNELS: true
  /** The server is about to stop, and accepts no new connections. */
  readonly DRAINING: true
  /** A message can't be written as `text/event-stream`, or received data is invalid. */
  readonly INVALID_MESSAGE: false
  /** A connection took too long to open. */
  readonly CONNECT_TIMEOUT: true
  /** A proxy buffers responses until they end, which delays events. */
  readonly RESPONSE_BUFFERED: true
  /** A connection was silent for longer than the server announced. */
  readonly CONNECTION_SILENT: true
  /** A connection ended before the server said that the subscription is complete. */
  readonly CONNECTION_LOST: true
  /** A server or a proxy can't answer now: status 5xx, 408, 425 or 429. */
  readonly SERVER_UNAVAILABLE: true
  /** A server answered with another error status, and without a tRPC error. */
  readonly REQUEST_REFUSED: false
}

/** A code of {@link RealtimeError} to branch on. */
export type RealtimeErrorCode = keyof RealtimeErrorCodes

type RetryableCode = {
  [TCode in RealtimeErrorCode]: RealtimeErrorCodes[TCode] extends true ? TCode : never
}[RealtimeErrorCode]

// The other codes exist only as types, so that a browser doesn't load the names of server errors.
const retryableCodes: Readonly<Record<RetryableCode, true>> = {
  TOO_FAR_BEHIND: true,
  BACKEND_UNAVAILABLE: true,
  UPDATE_CONFLICT: true,
  TOO_MANY_CONNECTIONS: true,
  TOO_MANY_CHANNELS: true,
  DRAINING: true,
  CONNECT_TIMEOUT: true,
  RESPONSE_BUFFERED: true,
  CONNECTION_SILENT: true,
  CONNECTION_LOST: true,
  SERVER_UNAVAILABLE: true,
}

/** Properties of a {@link RealtimeError} besides its message. */
export interface RealtimeErrorOptions {
  /** The original error. */
  readonly cause?: unknown
  /** The issues that a schema reported, each with its message and path. */
  readonly issues?: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status of the response. */
  readonly status?: number | undefined
}

/** One issue that a schema reported. */
export interface RealtimeErrorIssue {
  readonly message: string
  /** The path to the invalid part of the value, outermost key first. */
  readonly path: ReadonlyArray<string | number>
}

/**
 * An error of this library, with a `code` to branch on. The message says what is wrong and what to
 * do. The original error, if any, is `cause`. `instanceof` fails across copies of this package: use
 * {@link isRealtimeError} there.
 */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError'
  readonly code: RealtimeErrorCode
  /** The issues that a schema reported; empty for every other error. */
  readonly issues: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status of the response, if the error is about one. */
  readonly status: number | undefined

  constructor(code: RealtimeErrorCode, message: string, options: RealtimeErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.issues = options.issues ?? []
    this.status = options.status
  }

  /** Whether a retry can help. */
  get retryable(): boolean {
    return Object.hasOwn(retryableCodes, this.code)
  }
}

/** Whether a value is a {@link RealtimeError} of this or another copy of this package. */
export function isRealtimeError(value: unknown): value is RealtimeError {
  return value instanceof Error && value.name === 'RealtimeError' && 'code' in value
}
