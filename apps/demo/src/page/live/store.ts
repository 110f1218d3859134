import { useSyncExternalStore } from 'react'

/** A value outside of React that components can read. */
export interface Store<TValue> {
  get(): TValue
  set(value: TValue): void
  /** Calls back after each change, until what it returns is called. */
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

/** The `subscribe` of a store, with something that is open as long as anybody is subscribed. */
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
      // React's strict mode leaves and comes back at once: that must not cost a connection.
      setTimeout(closeIfUnused)
    }
  }
}
