import { TRPCError, type TrackedEnvelope } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'
import { createReadGroup, type ReadGroup } from '../hub/reads.ts'
import { acrossCopies } from '../shared-state.ts'
import { callContextOf } from './call-context.ts'
import { badRequest } from './errors.ts'
import type { Feed, FeedPart } from './feed.ts'
import { type EventMeta, filterFeed, mapFeed } from './feed-operators.ts'
import { iterateFeed } from './iterate.ts'
import { maxMerged, mergeFeeds } from './merge.ts'
import type { SubscribeOptions } from './options.ts'
import { findLastEventId, knowsCall } from './resume.ts'

/**
 * A subscription to one channel or, by `merge`, to many: return it from a procedure. Each event comes tracked,
 * once and in order. It does nothing until it is read, and can be read once for each call that returns it.
 */
export interface ChannelSubscription<TEvent>
  extends AsyncIterable<TrackedEnvelope<TEvent>, void, unknown> {
  /**
   * Leaves out events. The position moves past them: a resume doesn't look at them again. Subscribers share one event
   * object: don't change it.
   */
  filter<TFit extends TEvent>(
    fits: (event: TEvent, meta: EventMeta) => event is TFit,
  ): ChannelSubscription<TFit>
  filter(fits: (event: TEvent, meta: EventMeta) => boolean): ChannelSubscription<TEvent>
  /** Makes another value of each event. Costs a serialization per subscriber and event, where others share one. */
  map<TResult>(change: (event: TEvent, meta: EventMeta) => TResult): ChannelSubscription<TResult>
}

/** The type of the events of a subscription. */
export type SubscriptionEvent<TSubscription> =
  TSubscription extends ChannelSubscription<infer TEvent> ? TEvent : never

/** What a subscription is made of. */
export interface SubscriptionSource {
  /** Whether it has one channel's events, those of many with composite ids, or snapshots too. */
  readonly kind: 'events' | 'merged' | 'live'
  /** Whether its values are snapshots and events of `live`; `undefined` once `map` has made others of them. */
  readonly live: boolean | undefined
  readonly parts: readonly FeedPart[]
  /** Whether reading it calls functions of the user's: filters, maps, loaders. */
  readonly hasCallbacks: boolean
  readonly options: SubscribeOptions
}

const sources = acrossCopies('sources', () => new WeakMap<object, SubscriptionSource>())

/** Creates a subscription. */
export function createSubscription<TEvent>(
  source: SubscriptionSource,
): ChannelSubscription<TEvent> {
  const change = (
    wrap: (feed: Feed) => Feed,
    { live }: Pick<SubscriptionSource, 'live'> = source,
  ): SubscriptionSource => ({
    ...source,
    live,
    hasCallbacks: true,
    parts: source.parts.map(({ open, ...part }) => ({
      ...part,
      open: (id, wake, group) => wrap(open(id, wake, group)),
    })),
  })
  const subscription: ChannelSubscription<TEvent> = {
    filter(fits: (event: never, meta: EventMeta) => boolean) {
      return createSubscription<never>(change((feed) => filterFeed(feed, fits as Untyped<boolean>)))
    },
    map<TResult>(to: (event: TEvent, meta: EventMeta) => TResult) {
      return createSubscription<TResult>(
        change((feed) => mapFeed(feed, to as Untyped<TResult>), unknownValues),
      )
    },
    [Symbol.asyncIterator]: () =>
      iterateFeed<TEvent>({ options: source.options, signals: signalsOf(source) }, (wake) =>
        openFeed(source, wake, createReadGroup(callContextOf(source.options)?.turn)),
      ),
  }
  sources.set(subscription, source)
  return subscription
}

const unknownValues = { live: undefined }

// Feeds carry events of any type; the types meet the values again at this file's borders.
type Untyped<TResult> = (event: unknown, meta: EventMeta) => TResult

/** The source of a value that is a channel subscription, unchanged since `subscribe`, `filter`, `map` or `merge`. */
export function subscriptionSource(value: unknown): SubscriptionSource | undefined {
  return typeof value === 'object' && value !== null ? sources.get(value) : undefined
}

/** The signals that end a subscription: those that its `subscribe` was given, or each one's of a merged one. */
function signalsOf({ parts }: SubscriptionSource): readonly AbortSignal[] {
  const signals = parts.flatMap(({ signal }) => signal ?? [])
  return signals.length > 1 ? [...new Set(signals)] : signals
}

/**
 * Opens what a subscription reads from: after the id that its client holds, or where its options say. Rejects with
 * BAD_REQUEST for an id that can't be one.
 */
export async function openFeed(
  source: SubscriptionSource,
  wake: () => void,
  group: ReadGroup,
  clientId?: string,
): Promise<Feed> {
  const lastEventId = clientId ?? (await findLastEventId(source.options))
  try {
    const [only] = source.parts
    if (source.kind === 'merged' || only === undefined)
      return mergeFeeds(source.parts, lastEventId, wake, group)
    return only.open(lastEventId, wake, group)
  } catch (error) {
    throw callerError(error)
  }
}

/** The error as a client is to hear it: what it did wrong, or that it is to try again later. */
function callerError(error: unknown): unknown {
  if (!isRealtimeError(error)) return error
  if (error.code === 'INVALID_LAST_EVENT_ID') return badRequest(error)
  if (error.code !== 'TOO_MANY_CHANNELS') return error
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: error.message, cause: error })
}

/**
 * Subscribes to many channels at once. Each event of each channel comes once, in its channel's order, under one id
 * that resumes all of them. Order between channels is by the time of storing, as far as it is known. It ends when any of their signals
 * aborts; `replay` and `onGap` are each one's own. An id names a position in each channel, in about 42 characters: what an
 * event takes on the wire grows with the number of channels.
 *
 * @throws `INVALID_OPTION` if a subscription is a live one; BAD_REQUEST, as channels often come from input, if one is there
 * twice, or if there are more than 190.
 */
export function merge<const TSubscriptions extends ReadonlyArray<ChannelSubscription<unknown>>>(
  subscriptions: TSubscriptions,
): ChannelSubscription<SubscriptionEvent<TSubscriptions[number]>> {
  const all = subscriptions.map((subscription) => {
    const source = subscriptionSource(subscription)
    if (source?.kind === 'live') throw liveInMerge()
    if (source) return source
    throw new RealtimeError(
      'INVALID_OPTION',
      'merge() takes what channel.subscribe() returned. Pass it unchanged.',
    )
  })
  const parts = all.flatMap((source) => source.parts)
  mustBeMergeable(parts)
  // One of them is enough to know the call by.
  const options = all.map((source) => source.options)
  return createSubscription({
    kind: 'merged',
    live: all.every(({ live }) => live === false) ? false : undefined,
    parts,
    hasCallbacks: all.some((source) => source.hasCallbacks),
    options: options.find(knowsCall) ?? options[0] ?? {},
  })
}

/** Which channels are merged often comes from input: what is wrong with them is the caller's mistake. */
function mustBeMergeable(parts: readonly FeedPart[]): void {
  const refuse = (message: string): Error =>
    badRequest(new RealtimeError('INVALID_OPTION', message))
  if (parts.length > maxMerged) {
    throw refuse(
      `merge() was given ${parts.length} channels; the limit is ${maxMerged}, as each id names a position in all of them. Merge fewer, or publish to one channel what is read together.`,
    )
  }
  if (new Set(parts.map(({ key }) => key)).size < parts.length)
    throw refuse('merge() was given a channel twice. Subscribe to each channel once.')
}

/** A snapshot of one part would stand between the events of others, and nobody could tell whose state it is. */
function liveInMerge(): RealtimeError {
  const message =
    'merge() was given a live subscription. Give each a procedure of its own: they share one connection anyway.'
  return new RealtimeError('INVALID_OPTION', message)
}
