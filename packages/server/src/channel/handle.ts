import type { EventId } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { ErrorStage } from '../hub/report.ts'
import type { Presence } from '../presence/handle.ts'
import { FoldFeed } from '../subscription/fold-feed.ts'
import type { LiveEvent, LoadSnapshot, SnapshotData } from '../subscription/live.ts'
import type { LiveOptions, SubscribeOptions } from '../subscription/options.ts'
import { type ChannelFeedOptions, followLive, subscribeTo } from '../subscription/subscribe.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import {
  type History,
  type HistoryRange,
  type HistorySource,
  readHistory,
  readLastEventId,
} from './history.ts'
import {
  type PublishOptions,
  type PublishResult,
  type PublishSource,
  publishBatch,
  publishOne,
  traceRefusal,
} from './publish.ts'

/**
 * A channel with its params, to publish and subscribe with. Creating a handle is cheap: it opens
 * nothing.
 */
export interface ChannelHandle<TInput, TEvent, TMemberInput = unknown, TMember = unknown> {
  /**
   * Who is in the channel: members that subscriptions hold, on any instance.
   *
   * @throws `INVALID_OPTION` for a backend without entries.
   */
  readonly presence: Presence<TMemberInput, TMember>
  /**
   * Validates an event with the channel's schema and stores it at the end of the log. Once this
   * resolves, the event is stored, and every subscriber will receive it.
   *
   * Rejects with `INVALID_EVENT` (which has the schema's `issues`) or `EVENT_TOO_LARGE`; nothing is
   * stored then. Rejects with `BACKEND_UNAVAILABLE` if the backend doesn't answer. The event may be
   * stored in that case: publish it again with the same idempotency key.
   */
  publish(event: TInput, options?: PublishOptions): Promise<PublishResult>
  /**
   * Stores up to 10,000 events in one round trip: either all of them, with no other events between
   * them, or none. The total size of their JSON must not exceed the channel's `maxBatchBytes`.
   * Rejects with the same errors as `publish`.
   */
  publishMany(events: readonly TInput[]): Promise<readonly PublishResult[]>
  /**
   * Reads part of the log. Rejects with `INVALID_OPTION` for an invalid number,
   * `INVALID_LAST_EVENT_ID` for an invalid `after`, or `BACKEND_UNAVAILABLE`.
   */
  history(range: HistoryRange): Promise<History<TEvent>>
  /**
   * Returns the id of the newest event. In a query, call this before you load the data, and return
   * `{ data, lastEventId }`: a subscription that starts there misses nothing. Rejects with
   * `BACKEND_UNAVAILABLE`.
   */
  lastEventId(): Promise<EventId>
  /**
   * Deletes the log's events, such as those of a finished answer or a person's data. Subscribers
   * get a gap with the reason `reset`, and then the events that are published later. Idempotency
   * keys stay remembered, so that a repeated earlier publish isn't stored again. Rejects with
   * `BACKEND_UNAVAILABLE`.
   */
  clear(): Promise<void>
  /**
   * Subscribes to the events. Pass the resolver's `opts`, and return the result from the procedure.
   *
   * @throws `INVALID_OPTION` for an invalid `replay`.
   */
  subscribe(options?: SubscribeOptions): ChannelSubscription<TEvent>
  /**
   * Subscribes to a state and the events that follow it: first `{ type: 'snapshot', data }`, then
   * `{ type: 'event', data }` for each event.
   *
   * The position is read before `loadSnapshot` is called, so no event is missed between the two.
   * The snapshot may already include the first events, so reducers must be idempotent. A client
   * that resumes gets events, and no new snapshot. If events are no longer available, a new
   * snapshot replaces them, and no gap is reported. If `loadSnapshot` fails, the subscription ends
   * with that error.
   */
  live<TLoaded>(
    options: LiveOptions,
    loadSnapshot: LoadSnapshot<TLoaded>,
  ): ChannelSubscription<LiveEvent<SnapshotData<TLoaded>, TEvent>>
}

/** The parts of a {@link ChannelHandle}. */
export interface HandleOptions extends PublishSource, HistorySource, ChannelFeedOptions {
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
  /** Creates the presence of the channel. Throws `INVALID_OPTION` for a backend without entries. */
  createPresence(): Presence<unknown, unknown>
}

/** Folds the events of subscriptions that are behind, if the channel has a fold. */
export function foldWhenBehind(
  codec: Codec,
  { fold, maxEventBytes: maxBytes }: HandleOptions['definition'],
): Pick<ChannelFeedOptions, 'wrap'> {
  return fold ? { wrap: (feed) => new FoldFeed(feed, codec, { fold, maxBytes }) } : {}
}

/** Creates the handle of one log. Its calls keep the process alive until they settle. */
export function createHandle<TInput, TEvent>(
  options: HandleOptions,
): ChannelHandle<TInput, TEvent> {
  const { log, backend, createPresence } = options
  const publishing = <TResult>(result: Promise<TResult>): Promise<TResult> =>
    keepAlive(traceRefusal(options, result))
  let presence: Presence<unknown, unknown> | undefined
  return {
    get presence() {
      presence ??= createPresence()
      return presence
    },
    publish: (event, publish) => publishing(publishOne(options, event, publish)),
    publishMany: (events) => publishing(publishBatch(options, events)),
    history: (range) => keepAlive(readHistory<TEvent>(options, range)),
    lastEventId: () => keepAlive(readLastEventId(options)),
    clear: () => keepAlive(backend.clear(log)),
    subscribe: (subscribe = {}) => subscribeTo(options, subscribe),
    live: (live, loadSnapshot) => followLive(options, live, loadSnapshot),
  }
}
