import type { EventId } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { ErrorStage } from '../hub/report.ts'
import type { LiveEvent, LoadSnapshot, SnapshotData } from '../subscription/live.ts'
import type { LiveOptions, SubscribeOptions } from '../subscription/options.ts'
import { followLive, subscribeTo } from '../subscription/subscribe.ts'
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
} from './publish.ts'

/**
 * One channel with its params: publish and subscribe with it. Making a handle is cheap and opens
 * nothing.
 */
export interface ChannelHandle<TInput, TEvent> {
  /**
   * Checks an event against the channel's schema and stores it at the end of the log. Resolves when
   * the event is stored, and every subscriber will receive it.
   *
   * Rejects, with nothing stored, with `INVALID_EVENT` (which has the schema's `issues`) or
   * `EVENT_TOO_LARGE`. Rejects with `BACKEND_UNAVAILABLE` if the backend doesn't answer. The event
   * may be stored then: publish it again with the same idempotency key.
   */
  publish(event: TInput, options?: PublishOptions): Promise<PublishResult>
  /**
   * Stores up to 10,000 events next to each other in one round trip: all of them, or none. Their
   * JSON may have up to the channel's `maxBatchBytes`. Rejects as `publish` does.
   */
  publishMany(events: readonly TInput[]): Promise<readonly PublishResult[]>
  /**
   * Reads part of the log. Rejects with `INVALID_OPTION` for a bad number, `INVALID_LAST_EVENT_ID`
   * for a bad `after`, or `BACKEND_UNAVAILABLE`.
   */
  history(range: HistoryRange): Promise<History<TEvent>>
  /**
   * Returns the id of the newest event. A query reads it before its data and returns
   * `{ data, lastEventId }`; a subscription from there misses nothing. Rejects with
   * `BACKEND_UNAVAILABLE`.
   */
  lastEventId(): Promise<EventId>
  /**
   * Deletes the log's events: those of a finished answer, or a person's data. Subscribers are told
   * about a gap with the reason `reset`, and get what is published from then on. Idempotency keys
   * stay remembered, so that a publish from before isn't stored again. Rejects with
   * `BACKEND_UNAVAILABLE`.
   */
  clear(): Promise<void>
  /**
   * Subscribes to the events. Pass the resolver's `opts`, and return the result from the procedure.
   *
   * @throws `INVALID_OPTION` for a bad `replay`.
   */
  subscribe(options?: SubscribeOptions): ChannelSubscription<TEvent>
  /**
   * Subscribes to a state and the events that follow it: first `{ type: 'snapshot', data }`, then
   * `{ type: 'event', data }` for each event.
   *
   * The position is read before `loadSnapshot` is called, so that no event between the two is
   * missed. The first events may be part of the snapshot already, so reducers must be idempotent. A
   * client that resumes gets events, and no new snapshot. Where events are no longer available,
   * another snapshot replaces them, and no gap is reported. If `loadSnapshot` fails, the
   * subscription ends with its error.
   */
  live<TLoaded>(
    options: LiveOptions,
    loadSnapshot: LoadSnapshot<TLoaded>,
  ): ChannelSubscription<LiveEvent<SnapshotData<TLoaded>, TEvent>>
}

/** What a handle is made of. */
export interface HandleOptions extends PublishSource, HistorySource {
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** Creates the handle of one log. Its calls keep the process alive until they settle. */
export function createHandle<TInput, TEvent>(
  options: HandleOptions,
): ChannelHandle<TInput, TEvent> {
  const { log, backend, definition } = options
  const feeds = { ...options, behind: definition.behind }
  return {
    publish: (event, publish) => keepAlive(publishOne(options, event, publish)),
    publishMany: (events) => keepAlive(publishBatch(options, events)),
    history: (range) => keepAlive(readHistory<TEvent>(options, range)),
    lastEventId: () => keepAlive(readLastEventId(options)),
    clear: () => keepAlive(backend.clear(log)),
    subscribe: (subscribe = {}) => subscribeTo(feeds, subscribe),
    live: (live, loadSnapshot) => followLive(feeds, live, loadSnapshot),
  }
}
