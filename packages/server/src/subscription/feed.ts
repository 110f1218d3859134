import type { EventId, GapReason } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import type { Hub } from '../hub/hub.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import type { ReadGroup } from '../hub/reads.ts'

/** The source of a subscription: events and gaps, one at a time, in order. */
export interface Feed {
  /**
   * Returns the next event, gap or end; `undefined` if there is none yet. After `undefined`, the
   * feed calls `wake` when there may be an item. Throws the error that ended the feed.
   */
  next(): FeedItem | undefined
  /** The position to resume from; `undefined` until the feed knows where it starts. */
  position(): string | undefined
  /**
   * Requests that events keep the values that were decoded to validate their payloads, so that no
   * payload is decoded twice.
   */
  needValues(): void
  /** Whether the reader is so slow that the channel's policy is to disconnect it. */
  isTooFarBehind(): boolean
  /** Returns the logs that the feed reads, and where it is in each. For the inspector. */
  readers(): readonly ReaderState[]
  /** Releases all resources. Further calls have no effect. */
  close(): void
}

/** Where a feed is in one log. */
export interface ReaderState {
  /** The log's key. */
  readonly log: string
  /** The id of the last event that was read; `undefined` until the start is known. */
  readonly position: EventId | undefined
  /** The number of events to read; `undefined` if the position isn't in the window. */
  readonly lag: number | undefined
}

/** A feed of a log's events. It has no end. */
export interface EventFeed extends Feed {
  next(): FeedEvent | Gap | undefined
}

/** A feed of a log's events that can say when it has caught up. */
export interface LogFeed extends EventFeed {
  /** Whether the feed has delivered all events that the log had when the feed was opened. */
  hasCaughtUp(): boolean
  /** Whether its reader is further behind than the channel's `behindEvents`. */
  isBehind(): boolean
}

/** An item that a feed delivers. */
export type FeedItem = FeedEvent | Gap | FeedEnd

/** The end of a feed: the subscription completes. Only the feed of a run has an end. */
export interface FeedEnd {
  readonly kind: 'end'
}

/**
 * Events after `lastEventId` are no longer available. From `position` on, events are contiguous
 * again.
 */
export interface Gap {
  readonly kind: 'gap'
  readonly lastEventId: string
  readonly position: string
  readonly reason: GapReason
  /** Reports the gap to the channels' `onError`. Used for subscriptions without a client link. */
  report(error: unknown, stage: 'gap'): void
}

/** One log that a subscription reads, with the filters and maps of its events. */
export interface FeedPart {
  /** The log's key. */
  readonly key: string
  /** The signal in the subscription's options. */
  readonly signal: AbortSignal | undefined
  /** The codec of the log's events. */
  readonly codec: Codec
  /** The hub of the log, once the feed is open. */
  hub(): Pick<Hub, 'window' | 'failure'> | undefined
  /** Opens a feed after an id. Without an id, the subscription's options determine the start. */
  open(lastEventId: EventId | undefined, wake: () => void, group: ReadGroup): Feed
}
