import { useEffect, useState, useSyncExternalStore } from 'react'
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
import { pageConnections } from './store/connections.ts'
import { type KeyedListOptions, keyedList } from './store/keyed-list.ts'
import {
  createLiveStore,
  type LiveResult,
  type LiveStore,
  type StoreConfig,
} from './store/live-store.ts'
import type { EventOf, SnapshotOf } from './store/live-values.ts'
import type { LiveSubscription } from './store/subscription.ts'
import { subscriptionKey } from './store/subscription-key.ts'

/** The item of a list that is a snapshot or, without one, the event. */
export type ItemOf<TValue> = [SnapshotOf<TValue>] extends [never]
  ? EventOf<TValue>
  : SnapshotOf<TValue> extends ReadonlyArray<infer TItem>
    ? TItem
    : never

/**
 * Folds a tracked subscription's events into a state, each once and in order, and renders it no more than once a
 * frame. Of a live subscription, a value `{ type: 'snapshot', data }` replaces the state, and of `{ type: 'event', data }`
 * the data is the event. Events of other subscriptions are taken as they are, also one whose `type` is `snapshot`; of a
 * generator's values, their form decides. A change of the subscription's `queryKey` or `enabled` begins anew.
 *
 * ```ts
 * const { data, status } = useLive(trpc.onTodos.subscriptionOptions({ list }), { key: (todo) => todo.id })
 * ```
 */
export function useLive<TValue, TError>(
  subscription: LiveSubscription<TValue, TError>,
  options: KeyOptions<ItemOf<TValue>> & WithInitialData<ReadonlyArray<ItemOf<TValue>>>,
): LiveResult<ReadonlyArray<ItemOf<TValue>>, EventOf<TValue>, TError>
/** The same, for a list that isn't there before the first snapshot. */
export function useLive<TValue, TError>(
  subscription: LiveSubscription<TValue, TError>,
  options: KeyOptions<ItemOf<TValue>> &
    MaybeInitialData<ReadonlyArray<ItemOf<TValue>>> &
    InitialDataNeeded<TValue>,
): LiveResult<ReadonlyArray<ItemOf<TValue>> | undefined, EventOf<TValue>, TError>
/** The same, for any state: `reduce` makes the next one of a state and an event. */
export function useLive<TValue, TError, TState = SnapshotOf<TValue>>(
  subscription: LiveSubscription<TValue, TError>,
  options: ReduceOptions<TValue, TState> & WithInitialData<TState> & SnapshotNeeded<TValue, TState>,
): LiveResult<TState, EventOf<TValue>, TError>
/** The same, for any state that isn't there before the first snapshot. */
export function useLive<TValue, TError, TState = StateOf<TValue>>(
  subscription: LiveSubscription<TValue, TError>,
  options: AnyLiveOptions<TValue, TState> & InitialDataNeeded<TValue>,
): LiveResult<TState | undefined, EventOf<TValue>, TError>
/** What all of them do. */
export function useLive(
  subscription: LiveSubscription<never, never>,
  options: object,
): LiveResult<never, never, never> {
  const config = configOf(subscription as LiveSubscription<unknown, unknown>, options as AnyOptions)
  const key = subscriptionKey([subscription.queryKey, subscription.enabled !== false])
  const [made, setMade] = useState(() => makeStore(key, config))
  const current = made.key === key ? made : makeStore(key, config)
  if (current !== made) setMade(current)
  const { store } = current
  // Before the store is subscribed to: it begins with what was rendered.
  useEffect(() => store.configure(config))
  const state = useSyncExternalStore(store.subscribe, store.getState, store.getInitialState)
  return state as LiveResult<never, never, never>
}

// Of a call that fits no signature, TypeScript explains why it doesn't fit the last: so that one knows all options.
type AnyLiveOptions<TValue, TState> =
  | (ReduceOptions<TValue, TState> & MaybeInitialData<TState> & SnapshotNeeded<TValue, TState>)
  | (ReadonlyArray<ItemOf<TValue>> extends TState ? ListOptions<ItemOf<TValue>, TState> : never)

type ListOptions<TItem, TState> = KeyedListOptions<TItem> &
  LiveBaseOptions<TState> &
  MaybeInitialData<readonly TItem[]>

/** The snapshot, if there is one. */
type StateOf<TValue> = [SnapshotOf<TValue>] extends [never] ? unknown : SnapshotOf<TValue>

// A store knows no types of its user's: the signatures of `useLive` see to it that the parts fit.
type AnyOptions = Partial<KeyOptions<unknown>> &
  Partial<ReduceOptions<unknown, unknown>> &
  MaybeInitialData<unknown>

interface Made {
  readonly key: string
  readonly store: LiveStore<unknown, unknown>
}

function makeStore(key: string, config: StoreConfig<unknown, unknown>): Made {
  return { key, store: createLiveStore(config, pageConnections) }
}

const itself = (value: unknown): unknown => value

function configOf(
  subscription: LiveSubscription<unknown, unknown>,
  {
    key,
    order,
    reduce = itself,
    snapshot = itself,
    initialData,
    write,
    frames = browserFrames,
  }: AnyOptions,
): StoreConfig<unknown, unknown> {
  const parts = { subscription, initialData, write, frames }
  if (!key) return { ...parts, reduce, snapshot }
  const list = keyedList<unknown>({ key, ...(order && { order }) })
  return {
    ...parts,
    reduce: (items, item) => list.upsert(items as readonly unknown[], item),
    snapshot: (items) => list.from(items as readonly unknown[]),
  }
}
