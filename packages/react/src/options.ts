import type { Frames } from './animation-frame.ts'
import type { InitialData, LiveEventMeta } from './store/fold.ts'
import type { KeyedListOptions } from './store/keyed-list.ts'
import type { EventOf, SnapshotOf } from './store/live-values.ts'

/** Options of `useLive` for every kind of state. */
export interface LiveBaseOptions<TState> {
  /**
   * Called with each new state and its position, at most once a frame: to store it elsewhere, in
   * the query cache for example. Optimistic events are not included.
   */
  readonly write?: (data: TState, lastEventId: string) => void
  /**
   * Schedules rendering.
   *
   * @default the browser's next animation frame; a timer if nothing is painted
   */
  readonly frames?: Frames
}

/** Options of `useLive` with a reducer. */
export interface ReduceOptions<TValue, TState> extends LiveBaseOptions<TState> {
  /** Returns the next state. Must not change its arguments. If it throws, the subscription ends. */
  reduce(state: TState, event: EventOf<TValue>, meta: LiveEventMeta): TState
  /**
   * Converts a snapshot to a state.
   *
   * @default the snapshot is the state
   */
  snapshot?(data: SnapshotOf<TValue>): TState
}

/**
 * Options of `useLive` for a list: a snapshot is a list, and each event is a version of an item.
 */
export interface KeyOptions<TItem>
  extends LiveBaseOptions<readonly TItem[]>,
    KeyedListOptions<TItem> {}

/** Initial data that is present. */
export interface WithInitialData<TState> {
  /**
   * The first state: the result of a query that returns `{ data, lastEventId }`. With a
   * `lastEventId` the subscription starts after it. Read when the subscription starts, and by
   * `reset`.
   */
  readonly initialData: InitialData<TState>
}

/** Initial data that may be absent. */
export interface MaybeInitialData<TState> {
  /** The first state. Without it, `data` is `undefined` until the first snapshot. */
  readonly initialData?: InitialData<TState> | undefined
}

/** Requires `snapshot` where the state is not the snapshot itself. */
export type SnapshotNeeded<TValue, TState> = [SnapshotOf<TValue>] extends [TState]
  ? unknown
  : { readonly snapshot: (data: SnapshotOf<TValue>) => TState }

/** Requires `initialData` where there are no snapshots, even if it is `undefined`. */
export type InitialDataNeeded<TValue> = [SnapshotOf<TValue>] extends [never]
  ? { readonly initialData: unknown }
  : unknown
