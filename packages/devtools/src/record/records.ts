/** What a subscription is doing. The last three are final. */
export type SubscriptionStatus =
  /** It waits for its first answer. */
  | 'connecting'
  /** It runs. */
  | 'live'
  /** It has lost its stream, and tries again. */
  | 'reconnecting'
  /** The server has ended it. */
  | 'complete'
  | 'failed'
  /** The app has ended it. */
  | 'unsubscribed'

/** What is known about one subscription. */
export interface SubscriptionRecord {
  /** Its number, counted from 1. */
  readonly number: number
  readonly path: string
  /** The input as text; `''` if there is none. */
  readonly input: string
  /** When it began, in milliseconds since 1970. */
  readonly since: number
  readonly status: SubscriptionStatus
  /** The id of its last event. */
  readonly lastEventId: string | undefined
  readonly events: number
  readonly gaps: number
  readonly reconnects: number
  /** Why it has last reconnected or failed. */
  readonly reason: string | undefined
}

/** What an entry of the timeline is about. */
export type EntryKind =
  | 'subscribed'
  | 'started'
  | 'event'
  | 'gap'
  | 'reconnecting'
  | 'failed'
  | 'complete'
  | 'unsubscribed'
  | 'request'
  | 'opened'
  | 'ended'
  | 'offline'
  | 'online'

/** One line of the timeline. */
export interface TimelineEntry {
  /** Its number, counted from 1. */
  readonly number: number
  /** In milliseconds since 1970. */
  readonly at: number
  readonly kind: EntryKind
  /** The subscription that it is about; `undefined` for streams and the network. */
  readonly subscription: SubscriptionRecord | undefined
  /** The event's id. */
  readonly id: string | undefined
  readonly text: string
}

/** What is known about one request of the client link. */
export interface RequestRecord {
  /** Its number, counted from 1. */
  readonly number: number
  readonly method: string
  /** The path of its address. The query may contain secrets, and isn't kept. */
  readonly path: string
  /** When it began, in milliseconds since 1970. */
  readonly since: number
  /** Whether it is waiting, an open stream, or over. */
  readonly status: 'waiting' | 'open' | 'over'
  /** The HTTP status of its answer. */
  readonly httpStatus: number | undefined
  /** The bytes that have arrived. */
  readonly bytes: number
  /** How it ended. */
  readonly end: string | undefined
}

/** One message of a stream, as it was sent. */
export interface FrameRecord {
  /** Its number, counted from 1. */
  readonly number: number
  /** In milliseconds since 1970. */
  readonly at: number
  /** The number of the request that it answers. */
  readonly request: number
  /** The message's name: the key of a subscription, or that of a control message. */
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** A record that is still being written. */
export type Writable<TRecord> = { -readonly [TKey in keyof TRecord]: TRecord[TKey] }

/** Where records are written to. */
export interface RecordStore {
  /** Adds an entry to the timeline. */
  note(kind: EntryKind, text: string, subscription?: SubscriptionRecord, id?: string): void
  /** Adds a frame of a request. */
  frame(request: number, event: string, data: string, id?: string): void
  /** Moves a subscription to those that ended. Returns whether it was running. */
  end(record: SubscriptionRecord): boolean
  /** Tells listeners that a record has changed. */
  changed(): void
}
