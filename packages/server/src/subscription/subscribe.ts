import { type Clock, invalidLastEventId, isEventId, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Behind } from '../hub/behind.ts'
import type { HubRegistry } from '../hub/registry.ts'
import { type CursorOptions, type CursorStart, createCursor } from './cursor.ts'
import type { Feed } from './feed.ts'
import { failOnGap } from './feed-operators.ts'
import { beforeSnapshot, type LiveEvent, type LoadSnapshot, type SnapshotData } from './live.ts'
import { LiveFeed } from './live-feed.ts'
import type { LiveOptions, SubscribeOptions } from './options.ts'
import { type ChannelSubscription, createSubscription } from './subscription.ts'

/** What the subscriptions of a channel read from. */
export interface ChannelFeedOptions {
  readonly log: ChannelLog
  readonly behind: Behind
  readonly hubs: HubRegistry
  readonly codec: Codec
  readonly clock: Clock
}

/** Creates a subscription to the events of a channel. Throws `INVALID_OPTION`. */
export function subscribeTo<TEvent>(
  channel: ChannelFeedOptions,
  options: SubscribeOptions,
): ChannelSubscription<TEvent> {
  const replay = replayCount(options.replay ?? 0)
  return createSubscription({
    kind: 'events',
    live: false,
    hasCallbacks: false,
    parts: [
      {
        key: channel.log.key,
        signal: options.signal,
        codec: channel.codec,
        hub: () => channel.hubs.find(channel.log.key),
        open(lastEventId, wake, group) {
          const start = lastEventId === undefined ? { replay } : { after: lastEventId }
          const cursor = openCursor(channel, start, { wake, group })
          return options.onGap === 'error' ? failOnGap(cursor) : cursor
        },
      },
    ],
    options,
  })
}

/** Creates a subscription to snapshots and the events behind them. */
export function followLive<TLoaded, TEvent>(
  channel: ChannelFeedOptions,
  options: LiveOptions,
  load: LoadSnapshot<TLoaded>,
): ChannelSubscription<LiveEvent<SnapshotData<TLoaded>, TEvent>> {
  const { codec } = channel
  return createSubscription({
    kind: 'live',
    live: true,
    hasCallbacks: true,
    parts: [
      {
        key: channel.log.key,
        signal: options.signal,
        codec,
        hub: () => channel.hubs.find(channel.log.key),
        open: (lastEventId, wake, group) =>
          new LiveFeed({
            lastEventId: lastEventId === beforeSnapshot ? undefined : lastEventId,
            open: (after, grace) =>
              openCursor(channel, after === undefined ? { replay: 0 } : { after }, {
                wake,
                group,
                grace,
              }),
            load,
            group,
            codec,
            wake,
          }),
      },
    ],
    options,
  })
}

function openCursor(
  { log, behind, hubs, clock }: ChannelFeedOptions,
  start: CursorStart,
  options: Omit<CursorOptions, 'clock'>,
): Feed {
  if ('after' in start && !isEventId(start.after)) throw invalidLastEventId(start.after)
  const { group } = options
  group.enter()
  try {
    return createCursor(hubs.get(log, behind), start, { ...options, clock })
  } catch (error) {
    group.leave()
    throw error
  }
}

function replayCount(replay: number | 'all'): number {
  if (replay === 'all') return Number.MAX_SAFE_INTEGER
  if (Number.isSafeInteger(replay) && replay >= 0) return replay
  throw new RealtimeError(
    'INVALID_OPTION',
    `replay is ${replay}. Give a whole number, 0 or more, or 'all'.`,
  )
}
