/** How the subscriptions of a page are. */
export interface ConnectionState {
  /**
   * `connecting` while one of them is not running, `pending` when all of them run and wait for events, `idle` if there is
   * none.
   */
  readonly status: 'idle' | 'connecting' | 'pending'
  /** Why one of them isn't running, if it is known. */
  readonly error: unknown
}

/** The states of all subscriptions in one. */
export interface Connections {
  /** Says how a subscription is; `undefined` when it is over. */
  report(subscription: object, state: ConnectionState | undefined): void
  getState(): ConnectionState
  subscribe(listener: () => void): () => void
}

/** How the connection is that nobody needs. */
export const idle: ConnectionState = { status: 'idle', error: null }

/** Creates the states of no subscriptions. */
export function createConnections(): Connections {
  const states = new Map<object, ConnectionState>()
  const listeners = new Set<() => void>()
  let shown = idle

  function worst(): ConnectionState {
    let found = idle
    for (const state of states.values()) {
      // One that says why goes first.
      if (state.status === 'connecting' && (found.status !== 'connecting' || found.error === null))
        found = state
      else if (found.status === 'idle') found = state
    }
    return found
  }

  return {
    report(subscription, state) {
      if (state) states.set(subscription, state)
      else states.delete(subscription)
      const next = worst()
      if (next.status === shown.status && next.error === shown.error) return
      shown = next
      for (const listener of [...listeners]) listener()
    },
    getState: () => shown,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** All that run on this page through `useLive`. */
export const pageConnections: Connections = createConnections()
