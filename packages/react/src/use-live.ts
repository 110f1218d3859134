import { browserFrames } from './animation-frame.ts'
import type {
  InitialDataNeeded,
  KeyOptions,
  LiveBaseOptions,
  MaybeInitialData,
  ReduceOptions,
  SnapshotNeeded,
  WithInitialData,
} from './options.ts'
import type { KeyedListOptions } from './store/keyed-list.ts'
import { keyedReducers } from './store/keyed-reducers.ts'
import type { LiveResult } from './store/live-result.ts'
import type { StoreConfig } from './store/live-store.ts'
import type { EventOf, SnapshotOf } from './store/live-values.ts'
import type { LiveSubscription } from './store/subscription.ts'
import { useLiveStore } from './use-live-store.ts'

/** The items of a list: those of the snapshot; without a snapshot, the events. */
export type ItemOf<TValue> = [SnapshotOf<TValue>] extends [never]
  ? EventOf<TValue>
  : SnapshotOf<TValue> extends ReadonlyArray<infer TItem>
    ? TItem
    : never

/**
 * Folds a tracked subscription's events into a state, each once and in order, and renders at most
 * once a frame. A live subscription sends `{ type: 'snapshot', data }`, which replaces the state,
 * and `{ type: 'event', data }`, whose data is the event. Any other value is an event itself. If
 * the server doesn't say whether a subscription is live, the shape of the value decides. With `key`,
 * an event `{ type: 'removed', key }` of a state channel removes that entry. A new `queryKey` or
 * `enabled` starts again.
 *
 * ```ts
 * const { data, status } = useLive(trpc.onTodos.subscriptionOptions({ list }), { key: (todo) =>
 * todo.id })
 * ```
 */
export function useLive<TValue, TError>(
  subscription: LiveSubscription<TValue, TError>,
  options: KeyOptions<ItemOf<TValue>> & WithInitialData<ReadonlyArray<ItemOf<TValue>>>,
): LiveResult<ReadonlyArray<ItemOf<TValue>>, EventOf<TValue>, TError>
/** The same, for a list that is `undefined` before the first snapshot. */
export function useLive<TValue, TError>(
  subscription: LiveSubscription<TValue, TError>,
  options: KeyOptions<ItemOf<TValue>> &
    MaybeInitialData<ReadonlyArray<ItemOf<TValue>>> &
    InitialDataNeeded<TValue>,
): LiveResult<ReadonlyArray<ItemOf<TValue>> | undefined, EventOf<TValue>, TError>
/** The same, for any state: `reduce` applies an event to it. */
export function useLive<TValue, TError, TState = SnapshotOf<TValue>>(
  subscription: LiveSubscription<TValue, TError>,
  options: ReduceOptions<TValue, TState> & WithInitialData<TState> & SnapshotNeeded<TValue, TState>,
): LiveResult<TState, EventOf<TValue>, TError>
/** The same, for any state that is `undefined` before the first snapshot. */
export function useLive<TValue, TError, TState = StateOf<TValue>>(
  subscription: LiveSubscription<TValue, TError>,
  options: AnyLiveOptions<TValue, TState> & InitialDataNeeded<TValue>,
): LiveResult<TState | undefined, EventOf<TValue>, TError>
/** The implementation of all signatures. */
export function useLive(
  subscription: LiveSubscription<never, never>,
  options: object,
): LiveResult<never, never, never> {
  const config = configOf(subscription as LiveSubscription<unknown, unknown>, options as AnyOptions)
  return useLiveStore(config) as LiveResult<never, never, never>
}

// TypeScript reports why a call doesn't fit the last signature, so that one accepts all options.
type AnyLiveOptions<TValue, TState> =
  | (ReduceOptions<TValue, TState> & MaybeInitialData<TState> & SnapshotNeeded<TValue, TState>)
  | (ReadonlyArray<ItemOf<TValue>> extends TState ? ListOptions<ItemOf<TValue>, TState> : never)

type ListOptions<TItem, TState> = KeyedListOptions<TItem> &
  LiveBaseOptions<TState> &
  MaybeInitialData<readonly TItem[]>

/** The snapshot; `unknown` without one. */
type StateOf<TValue> = [SnapshotOf<TValue>] extends [never] ? unknown : SnapshotOf<TValue>

// The store doesn't know the caller's types: the signatures of `useLive` ensure that they match.
type AnyOptions = Partial<KeyOptions<unknown>> &
  Partial<ReduceOptions<unknown, unknown>> &
  MaybeInitialData<unknown>

const identity = (value: unknown): unknown => value

function configOf(
  subscription: LiveSubscription<unknown, unknown>,
  {
    key,
    order,
    reduce = identity,
    snapshot = identity,
    initialData,
    write,
    frames = browserFrames,
  }: AnyOptions,
): StoreConfig<unknown, unknown> {
  const parts = { subscription, initialData, write, frames }
  if (!key) return { ...parts, reduce, snapshot }
  return { ...parts, ...keyedReducers({ key, ...(order && { order }) }) }
}
