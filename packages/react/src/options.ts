import type { Frames } from './animation-frame.ts'
import type { InitialData, LiveEventMeta } from './store/fold.ts'
import type { KeyedListOptions } from './store/keyed-list.ts'
import type { EventOf, SnapshotOf } from './store/live-values.ts'

/** Options of `useLive` that don't depend on how the state is made. */
export interface LiveBaseOptions<TState> {
  /**
   * Is called, no more than once a frame, with each new state and the id of the event that it stands at: to keep it
   * elsewhere, in the query cache for example. What is only shown by `optimistic` is not in it.
   */
  readonly write?: (data: TState, lastEventId: string) => void
  /**
   * When to render: calls back once, soon.
   *
   * @default the browser's next frame, or a timer where nothing is painted
   */
  readonly frames?: Frames
}

/** Options of `useLive` with a reducer. */
export interface ReduceOptions<TValue, TState> extends LiveBaseOptions<TState> {
  /** Makes the next state of a state and an event. It must change neither. What it throws ends the subscription. */
  reduce(state: TState, event: EventOf<TValue>, meta: LiveEventMeta): TState
  /**
   * Makes a state of a snapshot.
   *
   * @default the snapshot is the state
   */
  snapshot?(data: SnapshotOf<TValue>): TState
}

/** Options of `useLive` where the state is a list, a snapshot such a list, and each event a new version of an item. */
export interface KeyOptions<TItem>
  extends LiveBaseOptions<readonly TItem[]>,
    KeyedListOptions<TItem> {}

/** With data to begin with. */
export interface WithInitialData<TState> {
  /**
   * What the state begins with: the result of a query that returns `{ data, lastEventId }`, as it is. With a `lastEventId`
   * the subscription goes on from there. Looked at when the subscription begins, and by `reset`.
   */
  readonly initialData: InitialData<TState>
}

/** Without, or not yet. */
export interface MaybeInitialData<TState> {
  /** What the state begins with; without, `data` is `undefined` until there is a snapshot. */
  readonly initialData?: InitialData<TState> | undefined
}

/** A state that is not the snapshot must be made of it. */
export type SnapshotNeeded<TValue, TState> = [SnapshotOf<TValue>] extends [TState]
  ? unknown
  : { readonly snapshot: (data: SnapshotOf<TValue>) => TState }

/** What has no snapshot must be told what it begins with, if only that it isn't known yet. */
export type InitialDataNeeded<TValue> = [SnapshotOf<TValue>] extends [never]
  ? { readonly initialData: unknown }
  : unknown
