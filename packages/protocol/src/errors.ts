/** Every failure that a caller can act on, and whether a retry can help. */
export interface RealtimeErrorCodes {
  /** An option has a value that can't work. */
  readonly INVALID_OPTION: false
  /** An event doesn't fit its channel's schema, or isn't JSON. */
  readonly INVALID_EVENT: false
  /** An event is larger than its channel allows. */
  readonly EVENT_TOO_LARGE: false
  /** A channel's params don't fit its schema, or can't name a log. */
  readonly INVALID_PARAMS: false
  /** A `lastEventId` that no channel of ours has issued. */
  readonly INVALID_LAST_EVENT_ID: false
  /** A stored payload can't be decoded, and is skipped. */
  readonly UNDECODABLE_EVENT: false
  /** Events are no longer available, and the subscription asked for an error in that case. */
  readonly GAP: false
  /**
   * A subscription is further behind than its channel allows. When it is opened again, it resumes
   * from its position.
   */
  readonly TOO_FAR_BEHIND: true
  /** The backend didn't answer in time. A publish may or may not have been stored. */
  readonly BACKEND_UNAVAILABLE: true
  /** It is no longer possible to find out whether a publish was stored. */
  readonly PUBLISH_UNCONFIRMED: false
  /** A run failed: its source threw, or yielded what doesn't fit the schema. */
  readonly RUN_FAILED: false
  /** A run was abandoned: its producer is gone, or lost the backend. */
  readonly RUN_ABANDONED: false
  /** The channels or the backend were closed. */
  readonly CLOSED: false
  /** A limit on the number of connections is reached. */
  readonly TOO_MANY_CONNECTIONS: true
  /** A limit on the number of channels that are read at the same time is reached. */
  readonly TOO_MANY_CHANNELS: true
  /** The server is about to stop, and accepts no new connections. */
  readonly DRAINING: true
  /** A message can't be written as `text/event-stream`, or what was read isn't that. */
  readonly INVALID_MESSAGE: false
  /** A connection wasn't open in time. */
  readonly CONNECT_TIMEOUT: true
  /** A proxy holds responses back until they end, which delays events. */
  readonly RESPONSE_BUFFERED: true
  /** A connection was silent for longer than the server announced. */
  readonly CONNECTION_SILENT: true
  /** A connection ended before the server said that the subscription is complete. */
  readonly CONNECTION_LOST: true
  /** A server or a proxy can't answer now: status 5xx, 408, 425 or 429. */
  readonly SERVER_UNAVAILABLE: true
  /** A server answered with another error status, and without an error of tRPC. */
  readonly REQUEST_REFUSED: false
}

/** A code of {@link RealtimeError} to branch on. */
export type RealtimeErrorCode = keyof RealtimeErrorCodes

type RetryableCode = {
  [TCode in RealtimeErrorCode]: RealtimeErrorCodes[TCode] extends true ? TCode : never
}[RealtimeErrorCode]

// The other codes exist in types alone: a browser needn't load the names of a server's failures.
const retryableCodes: Readonly<Record<RetryableCode, true>> = {
  TOO_FAR_BEHIND: true,
  BACKEND_UNAVAILABLE: true,
  TOO_MANY_CONNECTIONS: true,
  TOO_MANY_CHANNELS: true,
  DRAINING: true,
  CONNECT_TIMEOUT: true,
  RESPONSE_BUFFERED: true,
  CONNECTION_SILENT: true,
  CONNECTION_LOST: true,
  SERVER_UNAVAILABLE: true,
}

/** What a {@link RealtimeError} can have besides its message. */
export interface RealtimeErrorOptions {
  /** The original error. */
  readonly cause?: unknown
  /** The issues that a schema found, each with its message and path. */
  readonly issues?: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status of an answer. */
  readonly status?: number | undefined
}

/** One issue that a schema found. */
export interface RealtimeErrorIssue {
  readonly message: string
  /** Where in the value, outermost key first. */
  readonly path: ReadonlyArray<string | number>
}

/**
 * A failure of this library, with a `code` to branch on. The message says what is wrong, then what
 * to do; the original error, if any, is `cause`. Across copies of this package, recognise it by
 * `name` and `code`.
 */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError'
  readonly code: RealtimeErrorCode
  /** The issues that a schema found; empty for every other failure. */
  readonly issues: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status, where the failure is an answer that had one. */
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

/** Whether a value is a {@link RealtimeError}, of this copy of the package or of another. */
export function isRealtimeError(value: unknown): value is RealtimeError {
  return value instanceof Error && value.name === 'RealtimeError' && 'code' in value
}
