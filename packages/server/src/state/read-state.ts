import { type TrackedEnvelope, tracked } from '@trpc/server'
import type { EventId } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import type { Hub } from '../hub/hub.ts'
import type { Reads } from '../hub/reads.ts'
import type { RecentReads } from '../hub/recent-reads.ts'
import type { ErrorStage } from '../hub/report.ts'
import type { LogFeed } from '../subscription/feed.ts'
import type { LiveEvent } from '../subscription/live.ts'
import type { LiveOptions } from '../subscription/options.ts'
import { type ChannelFeedOptions, followLive } from '../subscription/subscribe.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import type { StateChange, StateEntry } from './changes.ts'
import { conflate } from './conflate.ts'
import { readSnapshot, type SnapshotOptions } from './snapshot.ts'

/** Entries of a state channel, and their position. */
export interface StateEntries<TValue> {
  readonly entries: ReadonlyArray<readonly [key: string, value: TValue]>
  /**
   * The id of the last change that they include. A subscription that starts there misses nothing.
   */
  readonly lastEventId: EventId
}

/** The items of a subscription to a state channel: a snapshot, and the changes that follow it. */
export type StateEvent<TValue> = LiveEvent<ReadonlyArray<StateEntry<TValue>>, StateChange<TValue>>

/** The methods that read a map. */
export interface StateReads<TValue> {
  /**
   * Returns all entries at one position. Rejects with `BACKEND_UNAVAILABLE`, and with `GAP` if
   * `retain` is too small for the changes that are made during the read.
   */
  entries(): Promise<StateEntries<TValue>>
  /**
   * Subscribes to the map: first `{ type: 'snapshot', data }`, whose data is a list of `{ key,
   * value }`, and then `{ type: 'event', data }` for each change. Its data is `{ type: 'set', key,
   * value }` or `{ type: 'removed', key }`.
   *
   * Pass the resolver's `opts`, and return the result from the procedure. A client that resumes
   * gets changes. Where they are no longer available, another snapshot replaces them.
   */
  live(options?: LiveOptions): ChannelSubscription<StateEvent<TValue>>
}

/** A snapshot for live subscriptions. It is encoded once for all of them. */
export type LiveSnapshot = TrackedEnvelope<ReadonlyArray<StateEntry<unknown>>>

/** Options of {@link readState}. */
export interface StateReadOptions extends Omit<ChannelFeedOptions, 'behind' | 'wrap'> {
  readonly backend: EntriesBackend
  readonly reads: Reads
  readonly snapshots: RecentReads<LiveSnapshot>
  readonly conflate: boolean
  readonly maxValueBytes: number
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
  /** Decodes the stored text of an entry to its value. */
  decode(text: string): unknown
  /** Called at each read of the map, and for each subscription that opens. */
  onOpen?(): void
}

/** Creates the reading methods of one map. */
export function readState<TValue>(options: StateReadOptions): StateReads<TValue> {
  const { onOpen = () => {} } = options
  const reading = { ...options, pageSize: pageSizeOf(options.maxValueBytes) }
  return {
    async entries() {
      onOpen()
      const { entries, lastEventId } = await keepAlive(readSnapshot(reading))
      return { entries: [...entries] as [string, TValue][], lastEventId }
    },
    live: (live = {}) => followState(options, reading, live),
  }
}

/** The approximate maximum size of a page of entries, in bytes. */
const pageBytes = 1_048_576
const mostPerPage = 1_000

function pageSizeOf(maxValueBytes: number): number {
  return Math.max(1, Math.min(mostPerPage, Math.floor(pageBytes / maxValueBytes)))
}

function followState<TValue>(
  options: StateReadOptions,
  reading: SnapshotOptions,
  live: LiveOptions,
): ChannelSubscription<StateEvent<TValue>> {
  const { log, snapshots, hubs, onOpen } = options
  const isOutdated = ([id]: LiveSnapshot): boolean => {
    const window = hubs.find(log.key)?.window
    const following = window?.after(id)
    // Half of the retention is left for events that come while the snapshot is being sent.
    return !window || following === undefined || window.end - following > log.retain.events / 2
  }
  const load = async (): Promise<TrackedEnvelope<ReadonlyArray<StateEntry<TValue>>>> =>
    (await snapshots.read(log.key, () => readLiveSnapshot(reading), isOutdated)) as TrackedEnvelope<
      ReadonlyArray<StateEntry<TValue>>
    >
  const wrap = (feed: LogFeed, hub: Hub): LogFeed => {
    onOpen?.()
    return options.conflate ? conflate(feed, hub) : feed
  }
  const policy = options.conflate ? 'latest' : 'catchUp'
  return followLive({ ...options, behind: { policy, events: 1_000 }, wrap }, live, load)
}

async function readLiveSnapshot(reading: SnapshotOptions): Promise<LiveSnapshot> {
  const { entries, lastEventId } = await readSnapshot(reading)
  return tracked(
    lastEventId,
    Array.from(entries, ([key, value]) => ({ key, value })),
  )
}
