/** Every failure that a caller can act on, and whether trying the same again can help. */
export const errorCodes = {
  /** An option has a value that can't work. */
  INVALID_OPTION: { retryable: false },
  /** An event doesn't fit its channel's schema, or isn't JSON. */
  INVALID_EVENT: { retryable: false },
  /** An event is larger than its channel allows. */
  EVENT_TOO_LARGE: { retryable: false },
  /** A channel's params don't fit its schema, or can't name a log. */
  INVALID_PARAMS: { retryable: false },
  /** A `lastEventId` that no channel of ours has issued. */
  INVALID_LAST_EVENT_ID: { retryable: false },
  /** A stored payload can't be read; it is skipped. */
  UNDECODABLE_EVENT: { retryable: false },
  /** Events can't be had any more, and the subscription asked for an error in that case. */
  GAP: { retryable: false },
  /** The backend didn't answer in time. A publish may or may not have been stored. */
  BACKEND_UNAVAILABLE: { retryable: true },
  /** It can't be known any more whether a publish was stored. */
  PUBLISH_UNCONFIRMED: { retryable: false },
  /** The channels or the backend were closed. */
  CLOSED: { retryable: false },
  /** A limit on the number of connections is reached. */
  TOO_MANY_CONNECTIONS: { retryable: true },
  /** The server is about to go away and takes no new connections. */
  DRAINING: { retryable: true },
  /** A message can't be written as `text/event-stream`, or what was read isn't that. */
  INVALID_MESSAGE: { retryable: false },
  /** A connection wasn't there in time. */
  CONNECT_TIMEOUT: { retryable: true },
  /** A connection was silent for longer than the server announced. */
  CONNECTION_SILENT: { retryable: true },
  /** A connection ended, without the word that the subscription is complete. */
  CONNECTION_LOST: { retryable: true },
  /** A server, or what stands before it, can't answer now: status 5xx, 408, 425 or 429. */
  SERVER_UNAVAILABLE: { retryable: true },
  /** A server answered with another status that isn't success, and without an error of tRPC's. */
  REQUEST_REFUSED: { retryable: false },
} as const

/** A code of {@link RealtimeError} to branch on. */
export type RealtimeErrorCode = keyof typeof errorCodes

/** What a {@link RealtimeError} can carry beside its message. */
export interface RealtimeErrorOptions {
  /** The original error. */
  readonly cause?: unknown
  /** What a schema said: each issue with its message and path. */
  readonly issues?: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status of an answer. */
  readonly status?: number
}

/** One thing that a schema found wrong. */
export interface RealtimeErrorIssue {
  readonly message: string
  /** Where in the value, outermost key first. */
  readonly path: ReadonlyArray<string | number>
}

/**
 * A failure of this library, with a `code` to branch on. The message says what is wrong, then what to do;
 * the original error, if any, is `cause`. Across copies of this package, recognise it by `name` and `code`.
 */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError'
  readonly code: RealtimeErrorCode
  /** What a schema said; empty for every other failure. */
  readonly issues: ReadonlyArray<RealtimeErrorIssue>
  /** The HTTP status, where the failure is an answer that had one. */
  readonly status: number | undefined

  constructor(code: RealtimeErrorCode, message: string, options: RealtimeErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.issues = options.issues ?? []
    this.status = options.status
  }

  /** Whether trying the same again can help. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }
}

/** Whether a value is a {@link RealtimeError}, of this copy of the package or of another. */
export function isRealtimeError(value: unknown): value is RealtimeError {
  return value instanceof Error && value.name === 'RealtimeError' && 'code' in value
}
