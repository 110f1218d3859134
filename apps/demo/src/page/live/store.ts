import { useSyncExternalStore } from 'react'

/** A value outside React that components can read. */
export interface Store<TValue> {
  get(): TValue
  set(value: TValue): void
  /** Calls back after each change. Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void
}

/** Creates a store. */
export function createStore<TValue>(initial: TValue): Store<TValue> {
  const listeners = new Set<() => void>()
  let current = initial
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Reads a store in a component. */
export function useStore<TValue>(store: Pick<Store<TValue>, 'get' | 'subscribe'>): TValue {
  return useSyncExternalStore(store.subscribe, store.get)
}

/** Wraps a store's `subscribe`: opens a resource while the store has subscribers. */
export function whileSubscribed(
  store: Store<unknown>,
  open: () => () => void,
): (listener: () => void) => () => void {
  let listeners = 0
  let close: (() => void) | undefined

  function closeIfUnused(): void {
    if (listeners > 0) return
    close?.()
    close = undefined
  }

  return (listener) => {
    const stop = store.subscribe(listener)
    listeners += 1
    close ??= open()
    return () => {
      stop()
      listeners -= 1
      // React's strict mode unsubscribes and resubscribes at once: keep the resource open.
      setTimeout(closeIfUnused)
    }
  }
}
