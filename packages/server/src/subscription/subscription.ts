import type { TrackedEnvelope } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { createReadGroup, type ReadGroup } from '../hub/reads.ts'
import { sharedName } from '../shared-state.ts'
import { callContextOf } from './call-context.ts'
import { badRequest, callerError } from './errors.ts'
import type { Feed, FeedPart } from './feed.ts'
import { type EventMeta, filterFeed, mapFeed } from './feed-operators.ts'
import { iterateFeed } from './iterate.ts'
import { maxMerged, mergeFeeds } from './merge.ts'
import type { SubscribeOptions } from './options.ts'
import { findLastEventId, knowsCall } from './resume.ts'

/**
 * A subscription to one channel, or to several with `merge`. Return it from a procedure. Each event
 * is delivered tracked, once and in order. A subscription does nothing until it is read, and can be
 * read once for each call that returns it.
 */
export interface ChannelSubscription<TEvent>
  extends AsyncIterable<TrackedEnvelope<TEvent>, void, unknown> {
  /**
   * Delivers only events for which the function returns true. The position moves past the others,
   * so a resume doesn't check them again. Subscribers share one event object: don't change it. If
   * the function throws or returns a promise, the subscription ends with an error.
   */
  filter<TFit extends TEvent>(
    fits: (event: TEvent, meta: EventMeta) => event is TFit,
  ): ChannelSubscription<TFit>
  filter(fits: (event: TEvent, meta: EventMeta) => boolean): ChannelSubscription<TEvent>
  /**
   * Replaces the value of each event. The server then serializes each event once per subscriber;
   * without `map`, all subscribers share one serialization. If the function throws or returns a
   * promise, the subscription ends with an error.
   */
  map<TResult>(change: (event: TEvent, meta: EventMeta) => TResult): ChannelSubscription<TResult>
}

/** The type of the events of a subscription. */
export type SubscriptionEvent<TSubscription> =
  TSubscription extends ChannelSubscription<infer TEvent> ? TEvent : never

/** The parts of a subscription. */
export interface SubscriptionSource {
  /**
   * The items that the subscription delivers: one channel's events, several channels' events,
   * snapshots and events, or a run.
   */
  readonly kind: 'events' | 'merged' | 'live' | 'run'
  /** Whether the values are those of `live`; `undefined` once `map` has replaced them. */
  readonly live: boolean | undefined
  readonly parts: readonly FeedPart[]
  /** Whether reading calls user code: filters, maps or loaders. */
  readonly hasCallbacks: boolean
  readonly options: SubscribeOptions
}

/** The property that holds a subscription's source. A property costs less than a `WeakMap`. */
const sourceKey: unique symbol = Symbol.for(sharedName('source'))

/** Creates a subscription. */
export function createSubscription<TEvent>(
  source: SubscriptionSource,
): ChannelSubscription<TEvent> {
  return new SourceSubscription<TEvent>(source)
}

class SourceSubscription<TEvent> implements ChannelSubscription<TEvent> {
  readonly [sourceKey]: SubscriptionSource

  constructor(source: SubscriptionSource) {
    this[sourceKey] = source
  }

  filter<TFit extends TEvent>(
    fits: (event: TEvent, meta: EventMeta) => boolean,
  ): ChannelSubscription<TFit> {
    return this.#change((feed) => filterFeed(feed, fits as Untyped<boolean>), this[sourceKey].live)
  }

  map<TResult>(change: (event: TEvent, meta: EventMeta) => TResult): ChannelSubscription<TResult> {
    return this.#change((feed) => mapFeed(feed, change as Untyped<TResult>), undefined)
  }

  [Symbol.asyncIterator](): AsyncIterator<TrackedEnvelope<TEvent>, void, unknown> {
    const source = this[sourceKey]
    const { options } = source
    return iterateFeed<TEvent>({ options, signals: signalsOf(source) }, async (wake) => {
      const context = callContextOf(options)
      const group = createReadGroup(context && ((signal) => context.turn(signal)))
      return openFeed(source, wake, group, await findLastEventId(options))
    })
  }

  #change<TResult>(
    wrap: (feed: Feed) => Feed,
    live: boolean | undefined,
  ): ChannelSubscription<TResult> {
    const source = this[sourceKey]
    return new SourceSubscription<TResult>({
      ...source,
      live,
      hasCallbacks: true,
      parts: source.parts.map(({ open, ...part }) => ({
        ...part,
        open: (id, wake, group) => wrap(open(id, wake, group)),
      })),
    })
  }
}

// Feeds have events of type `unknown`. This file casts filters and maps accordingly.
type Untyped<TResult> = (event: unknown, meta: EventMeta) => TResult

/** Returns the source of a channel subscription; `undefined` for any other value. */
export function subscriptionSource(value: unknown): SubscriptionSource | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Partial<SourceSubscription<unknown>>)[sourceKey]
    : undefined
}

/** Returns the signals that end a subscription, from the options of its parts. */
function signalsOf({ parts }: SubscriptionSource): readonly AbortSignal[] {
  const signals = parts.flatMap(({ signal }) => signal ?? [])
  return signals.length > 1 ? [...new Set(signals)] : signals
}

/**
 * Opens the feed of a subscription after an id. Without an id, the options determine the start.
 * Throws BAD_REQUEST for an invalid id, or SERVICE_UNAVAILABLE if too many channels are open.
 */
export function openFeed(
  source: SubscriptionSource,
  wake: () => void,
  group: ReadGroup,
  lastEventId: string | undefined,
): Feed {
  try {
    const [only] = source.parts
    if (source.kind === 'merged' || only === undefined)
      return mergeFeeds(source.parts, lastEventId, wake, group)
    return only.open(lastEventId, wake, group)
  } catch (error) {
    throw callerError(error)
  }
}

/**
 * Subscribes to several channels at once. Each event is delivered once, in its channel's order, and
 * its id resumes all of the channels. Events of different channels are ordered by the time they
 * were stored, as far as that is known.
 *
 * Each part keeps its own `replay` and `onGap`. The subscription ends when the signal of any part
 * aborts. An id has up to 43 characters per channel, so every event gets larger with each channel.
 *
 * @throws `INVALID_OPTION` for a subscription to a run or by `live`, or a value that isn't a
 *   channel subscription. BAD_REQUEST for a channel that is merged twice, or more than 190
 *   channels, because channels often come from input.
 */
export function merge<const TSubscriptions extends ReadonlyArray<ChannelSubscription<unknown>>>(
  subscriptions: TSubscriptions,
): ChannelSubscription<SubscriptionEvent<TSubscriptions[number]>> {
  const all = subscriptions.map((subscription) => {
    const source = subscriptionSource(subscription)
    if (source?.kind === 'live' || source?.kind === 'run') throw notMergeable(source.kind)
    if (source) return source
    throw new RealtimeError(
      'INVALID_OPTION',
      'merge() takes only subscriptions that channel.subscribe() has returned. Pass them unchanged.',
    )
  })
  const parts = all.flatMap((source) => source.parts)
  checkMergeable(parts)
  // All parts belong to the same call, so the options of one part are enough to find it.
  const options = all.map((source) => source.options)
  return createSubscription({
    kind: 'merged',
    live: all.every(({ live }) => live === false) ? false : undefined,
    parts,
    hasCallbacks: all.some((source) => source.hasCallbacks),
    options: options.find(knowsCall) ?? options[0] ?? {},
  })
}

/**
 * Throws BAD_REQUEST for duplicate or too many channels, as channels often come from user input.
 */
function checkMergeable(parts: readonly FeedPart[]): void {
  const refuse = (message: string): Error =>
    badRequest(new RealtimeError('INVALID_OPTION', message))
  if (parts.length > maxMerged) {
    throw refuse(
      `merge() was given ${parts.length} channels; the limit is ${maxMerged}, as each id names a position in all of them. Merge fewer, or publish events that are read together to one channel.`,
    )
  }
  if (new Set(parts.map(({ key }) => key)).size < parts.length)
    throw refuse('merge() was given a channel twice. Subscribe to each channel once.')
}

/**
 * Creates the error for parts that can't be merged: a reader couldn't tell to which part a snapshot
 * or an end belongs.
 */
function notMergeable(kind: 'live' | 'run'): RealtimeError {
  const what = kind === 'live' ? 'live subscription' : 'subscription to a run'
  const message = `merge() was given a ${what}. Give each ${what} a procedure of its own: they share one connection anyway.`
  return new RealtimeError('INVALID_OPTION', message)
}
