import { useEffect, useState, useSyncExternalStore } from 'react'
import { pageConnections } from './store/connections.ts'
import type { LiveResult } from './store/live-result.ts'
import { LiveStore, type StoreConfig } from './store/live-store.ts'
import { subscriptionKey } from './store/subscription-key.ts'

/**
 * Keeps a store for the subscription of a component, and renders its state. A new `queryKey` or
 * `enabled` creates a new store.
 */
export function useLiveStore<TState, TError>(
  config: StoreConfig<TState, TError>,
): LiveResult<TState | undefined, unknown, TError> {
  const { queryKey, enabled } = config.subscription
  const key = subscriptionKey([queryKey, enabled !== false])
  const [keyed, setKeyed] = useState(() => createStore(key, config))
  const current = keyed.key === key ? keyed : createStore(key, config)
  if (current !== keyed) setKeyed(current)
  const { store } = current
  // This effect runs before the one that subscribes, so the store starts with the rendered config.
  useEffect(() => store.configure(config))
  return useSyncExternalStore(store.subscribe, store.getState, store.getInitialState)
}

interface KeyedStore<TState, TError> {
  readonly key: string
  readonly store: LiveStore<TState, TError>
}

function createStore<TState, TError>(
  key: string,
  config: StoreConfig<TState, TError>,
): KeyedStore<TState, TError> {
  return { key, store: new LiveStore(config, pageConnections) }
}
