import { type TrackedEnvelope, tracked } from '@trpc/server'
import type { EventId } from '@trpc-sse/protocol'
import type { Reads } from '../hub/reads.ts'
import type { RecentReads } from '../hub/recent-reads.ts'
import type { LiveEvent } from '../subscription/live.ts'
import type { LiveOptions } from '../subscription/options.ts'
import { type ChannelFeedOptions, followLive } from '../subscription/subscribe.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import type { StateChange, StateEntry } from './changes.ts'
import { conflate } from './conflate.ts'
import { readSnapshot, type SnapshotOptions } from './snapshot.ts'
import { StateWriter, type StateWriterOptions } from './state-writer.ts'

/** Options of `set`, `setMany` and `update`. */
export interface SetOptions {
  /**
   * When the entry expires, in milliseconds from now, 1,000 to 30 days. Readers see it within a
   * second after that.
   *
   * @default the channel's `forMs`
   */
  readonly forMs?: number
}

/** The result of a change. */
export interface StateResult<TId extends EventId | undefined = EventId> {
  /** The id of the change, which is an event. `undefined` if nothing was changed. */
  readonly id: TId
}

/** Entries of a state channel, and their position. */
export interface StateEntries<TValue> {
  readonly entries: ReadonlyArray<readonly [key: string, value: TValue]>
  /** The id of the last change in them. A subscription from there misses nothing. */
  readonly lastEventId: EventId
}

/** The items of a subscription to a state channel: a snapshot, and the changes that follow it. */
export type StateEvent<TValue> = LiveEvent<ReadonlyArray<StateEntry<TValue>>, StateChange<TValue>>

/**
 * One map of a state channel: change it and subscribe to it. Making a handle is cheap and opens
 * nothing.
 *
 * A key is any text of 1 to 256 characters. All methods reject with `INVALID_OPTION` for another
 * key, and with `BACKEND_UNAVAILABLE` if the backend doesn't answer. A change may be stored then.
 */
export interface StateHandle<TInput, TValue> {
  /**
   * Sets the value of a key. Resolves when every subscriber will receive it.
   *
   * Rejects, with nothing changed, with `INVALID_EVENT` (which has the schema's `issues`),
   * `EVENT_TOO_LARGE` or `TOO_MANY_ENTRIES`.
   */
  set(key: string, value: TInput, options?: SetOptions): Promise<StateResult>
  /** Sets up to 1,000 entries in one step: all of them, or none. Rejects as `set` does. */
  setMany(
    entries: Iterable<readonly [key: string, value: TInput]>,
    options?: SetOptions,
  ): Promise<readonly StateResult[]>
  /**
   * Sets what `change` makes of the present value, which is `undefined` if there is none. If it
   * returns `undefined`, the entry is deleted.
   *
   * If the entry was changed meanwhile, `change` is called again, up to 50 times in all. Rejects
   * with `UPDATE_CONFLICT` after that, with what `change` throws, or as `set` does.
   */
  update(
    key: string,
    change: (value: TValue | undefined) => MaybePromise<TInput | undefined>,
    options?: SetOptions,
  ): Promise<StateResult<EventId | undefined>>
  /** Deletes an entry, if there is one. Rejects with `UPDATE_CONFLICT` as `update` does. */
  delete(key: string): Promise<StateResult<EventId | undefined>>
  /** Returns all entries at one position. */
  entries(): Promise<StateEntries<TValue>>
  /**
   * Subscribes to the map: first `{ type: 'snapshot', data }`, whose data is a list of
   * `{ key, value }`, and then `{ type: 'event', data }` for each change. Its data is
   * `{ type: 'set', key, value }` or `{ type: 'removed', key }`.
   *
   * Pass the resolver's `opts`, and return the result from the procedure. A client that resumes gets
   * changes. Where they are no longer available, another snapshot replaces them.
   */
  live(options?: LiveOptions): ChannelSubscription<StateEvent<TValue>>
}

type MaybePromise<TValue> = TValue | PromiseLike<TValue>

/** A snapshot as live subscriptions get it: encoded once for all of them. */
export type LiveSnapshot = TrackedEnvelope<ReadonlyArray<StateEntry<unknown>>>

/** What a handle is made of. */
export interface StateHandleOptions extends StateWriterOptions, Omit<ChannelFeedOptions, 'behind'> {
  readonly reads: Reads
  readonly snapshots: RecentReads<LiveSnapshot>
}

/** Creates the handle of one map. */
export function createStateHandle<TInput, TValue>(
  options: StateHandleOptions,
): StateHandle<TInput, TValue> {
  const writer = new StateWriter(options)
  const reading = snapshotOptions(options)
  return {
    async set(key, value, { forMs } = {}) {
      const [id = ''] = await keepAlive(writer.set('set()', [[key, value]], forMs))
      return { id }
    },
    async setMany(entries, { forMs } = {}) {
      const ids = await keepAlive(writer.set('setMany()', entries, forMs))
      return ids.map((id) => ({ id }))
    },
    async update(key, change, { forMs } = {}) {
      const apply = (value: unknown): unknown => change(value as TValue | undefined)
      return { id: await keepAlive(writer.update('update()', key, apply, forMs)) }
    },
    async delete(key) {
      const remove = (): undefined => undefined
      return { id: await keepAlive(writer.update('delete()', key, remove, undefined)) }
    },
    async entries() {
      const { entries, lastEventId } = await keepAlive(readSnapshot(reading))
      return { entries: [...entries] as [string, TValue][], lastEventId }
    },
    live: (live = {}) => followState(options, reading, live),
  }
}

/** The most bytes that one page of entries may have. */
const pageBytes = 1_048_576
const mostPerPage = 1_000

function snapshotOptions({
  log,
  backend,
  codec,
  reads,
  definition,
}: StateHandleOptions): SnapshotOptions {
  const fitting = Math.floor(pageBytes / definition.maxValueBytes)
  const pageSize = Math.max(1, Math.min(mostPerPage, fitting))
  return { log, backend, codec, reads, pageSize, decode: (text) => codec.deserialize(text) }
}

function followState<TValue>(
  options: StateHandleOptions,
  reading: SnapshotOptions,
  live: LiveOptions,
): ChannelSubscription<StateEvent<TValue>> {
  const { log, snapshots, hubs } = options
  const isOutdated = ([id]: LiveSnapshot): boolean => {
    const window = hubs.find(log.key)?.window
    const following = window?.after(id)
    // Events are trimmed while it is on its way.
    return !window || following === undefined || window.end - following > log.retain.events / 2
  }
  const load = async (): Promise<TrackedEnvelope<ReadonlyArray<StateEntry<TValue>>>> =>
    (await snapshots.read(log.key, () => readLiveSnapshot(reading), isOutdated)) as TrackedEnvelope<
      ReadonlyArray<StateEntry<TValue>>
    >
  const channel: ChannelFeedOptions = options.definition.conflate
    ? { ...options, behind: { policy: 'latest', events: 1_000 }, wrap: conflate }
    : { ...options, behind: { policy: 'catchUp', events: 1_000 } }
  return followLive(channel, live, load)
}

async function readLiveSnapshot(reading: SnapshotOptions): Promise<LiveSnapshot> {
  const { entries, lastEventId } = await readSnapshot(reading)
  return tracked(
    lastEventId,
    Array.from(entries, ([key, value]) => ({ key, value })),
  )
}
