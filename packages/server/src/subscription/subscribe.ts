import {
  type Clock,
  type EventId,
  invalidLastEventId,
  isEventId,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Behind } from '../hub/behind.ts'
import type { Hub } from '../hub/hub.ts'
import type { HubRegistry } from '../hub/registry.ts'
import { type CursorOptions, type CursorStart, createCursor, type Grace } from './cursor.ts'
import type { EventFeed, FeedPart, LogFeed } from './feed.ts'
import { failOnGap } from './feed-operators.ts'
import { beforeSnapshot, type LiveEvent, type LoadSnapshot, type SnapshotData } from './live.ts'
import { LiveFeed } from './live-feed.ts'
import type { LiveOptions, SubscribeOptions } from './options.ts'
import { type ChannelSubscription, createSubscription } from './subscription.ts'

/** The parts of a channel that its feeds need. */
export interface ChannelFeedOptions {
  readonly log: ChannelLog
  readonly behind: Behind
  readonly hubs: HubRegistry
  readonly codec: Codec
  readonly clock: Clock
  /** Changes each feed of the channel's events. */
  wrap?(feed: LogFeed, hub: Hub): LogFeed
}

/**
 * Creates a subscription to the events of a channel. Throws `INVALID_OPTION` for an invalid
 * `replay`.
 */
export function subscribeTo<TEvent>(
  channel: ChannelFeedOptions,
  options: SubscribeOptions,
): ChannelSubscription<TEvent> {
  const replay = replayCount(options.replay ?? 0)
  const part = feedPart(channel, options, (lastEventId, wake, group) => {
    const cursor = openCursor(channel, startOf(lastEventId, replay), { wake, group })
    return options.onGap === 'error' ? failOnGap(cursor) : cursor
  })
  return createSubscription({
    kind: 'events',
    live: false,
    hasCallbacks: false,
    parts: [part],
    options,
  })
}

/** Creates a subscription to snapshots and the events that follow them. */
export function followLive<TLoaded, TEvent>(
  channel: ChannelFeedOptions,
  options: LiveOptions,
  load: LoadSnapshot<TLoaded>,
): ChannelSubscription<LiveEvent<SnapshotData<TLoaded>, TEvent>> {
  const { codec } = channel
  const part = feedPart(channel, options, (lastEventId, wake, group) => {
    const open = (after: EventId | undefined, grace: Grace): EventFeed =>
      openCursor(channel, startOf(after, 0), { wake, group, grace })
    const resumeFrom = lastEventId === beforeSnapshot ? undefined : lastEventId
    return new LiveFeed({ lastEventId: resumeFrom, open, load, group, codec, wake })
  })
  return createSubscription({
    kind: 'live',
    live: true,
    hasCallbacks: true,
    parts: [part],
    options,
  })
}

/** Creates the part of a subscription that reads one log. */
export function feedPart(
  { log, codec, hubs }: ChannelFeedOptions,
  { signal }: LiveOptions,
  open: FeedPart['open'],
): FeedPart {
  return { key: log.key, signal, codec, hub: () => hubs.find(log.key), open }
}

function startOf(lastEventId: EventId | undefined, replay: number): CursorStart {
  return lastEventId === undefined ? { replay } : { after: lastEventId }
}

/** Opens a feed of a log's events. Throws `INVALID_LAST_EVENT_ID` for an invalid id. */
export function openCursor(
  { log, behind, hubs, clock, wrap = unchanged }: ChannelFeedOptions,
  start: CursorStart,
  options: Omit<CursorOptions, 'clock'>,
): LogFeed {
  if ('after' in start && !isEventId(start.after)) throw invalidLastEventId(start.after)
  const { group } = options
  group.enter()
  try {
    const hub = hubs.get(log, behind)
    return wrap(createCursor(hub, start, { ...options, clock }), hub)
  } catch (error) {
    group.leave()
    throw error
  }
}

const unchanged = (feed: LogFeed): LogFeed => feed

function replayCount(replay: number | 'all'): number {
  if (replay === 'all') return Number.MAX_SAFE_INTEGER
  if (Number.isSafeInteger(replay) && replay >= 0) return replay
  throw new RealtimeError(
    'INVALID_OPTION',
    `replay is ${replay}. Give a whole number, 0 or more, or 'all'.`,
  )
}
