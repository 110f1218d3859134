import type { EventId, GapReason } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import type { Hub } from '../hub/hub.ts'
import type { FeedEvent } from '../hub/log-event.ts'
import type { ReadGroup } from '../hub/reads.ts'

/** What a subscription reads from: events and gaps, one at a time, in order. */
export interface Feed {
  /**
   * Returns the next event, gap or end; `undefined` if there is none now. After `undefined`, the feed
   * calls `wake` when there may be one. Throws the error that ended the feed.
   */
  next(): FeedItem | undefined
  /** The position to resume from; `undefined` until the feed knows where it starts. */
  position(): string | undefined
  /**
   * Asks for events with their values: a payload that was decoded to check it isn't decoded again.
   */
  needValues(): void
  /** Whether its reader is so slow that the channel wants it disconnected. */
  isTooFarBehind(): boolean
  /** Releases what it holds. Calling it twice is harmless. */
  close(): void
}

/** A feed of a log's events, which never ends by itself. */
export interface EventFeed extends Feed {
  next(): FeedEvent | Gap | undefined
}

/** What a feed delivers. */
export type FeedItem = FeedEvent | Gap | FeedEnd

/** Nothing comes any more: the subscription completes. Only the feed of a run ends. */
export interface FeedEnd {
  readonly kind: 'end'
}

/**
 * Events after `lastEventId` are no longer available; what follows `position` is contiguous again.
 */
export interface Gap {
  readonly kind: 'gap'
  readonly lastEventId: string
  readonly position: string
  readonly reason: GapReason
  /** Reports it to the channels' `onError`, where no client link can be told. */
  report(error: unknown, stage: 'gap'): void
}

/** One log that a subscription reads, and what the subscription does to its events. */
export interface FeedPart {
  /** The log's key. */
  readonly key: string
  /** The signal that the subscription was given. */
  readonly signal: AbortSignal | undefined
  /** The codec that encoded its events. */
  readonly codec: Codec
  /** The hub of the log, once the feed is open. */
  hub(): Pick<Hub, 'window' | 'failure'> | undefined
  /** Opens a feed after an id; without one, where the subscription's options say. */
  open(lastEventId: EventId | undefined, wake: () => void, group: ReadGroup): Feed
}
