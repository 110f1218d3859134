import type { Backend } from '@trpc-sse/server'

/** A backend that one producer can lose. */
export interface CuttableBackend {
  readonly backend: Backend
  /** From now on, nothing reaches the backend, and no answer comes back: the producer is dead. */
  cut(): void
}

/** Creates a line to a backend, which can be cut. Closing the line leaves the backend open. */
export function cuttable(backend: Backend): CuttableBackend {
  let isCut = false
  return {
    backend: new Proxy(backend, {
      get(target, name) {
        if (name === 'close') return async () => {}
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown =>
          isCut ? new Promise(() => {}) : Reflect.apply(value, target, args)
      },
    }),
    cut() {
      isCut = true
    },
  }
}
