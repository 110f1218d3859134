/** The state of a page's subscriptions. */
export interface ConnectionState {
  /**
   * `connecting` while one of them is not running; `pending` while all of them run; `idle` if there
   * is none.
   */
  readonly status: 'idle' | 'connecting' | 'pending'
  /** The reason why one of them isn't running, if known. */
  readonly error: unknown
}

/** The states of all subscriptions, combined into one. */
export interface Connections {
  /** Sets the state of a subscription; `undefined` removes it. */
  report(subscription: object, state: ConnectionState | undefined): void
  getState(): ConnectionState
  subscribe(listener: () => void): () => void
}

/** The state without any subscription. */
export const idle: ConnectionState = { status: 'idle', error: null }

/** Creates an empty set of states. */
export function createConnections(): Connections {
  const states = new Map<object, ConnectionState>()
  const listeners = new Set<() => void>()
  let current = idle

  return {
    report(subscription, state) {
      if (state) states.set(subscription, state)
      else states.delete(subscription)
      const next = worstOf(states.values())
      if (next.status === current.status && next.error === current.error) return
      current = next
      for (const listener of [...listeners]) listener()
    },
    getState: () => current,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function worstOf(states: Iterable<ConnectionState>): ConnectionState {
  let worst = idle
  for (const state of states) {
    // Among those that are connecting, one with an error says more.
    const isWorse = worst.status !== 'connecting' || worst.error === null
    if (state.status === 'connecting' ? isWorse : worst.status === 'idle') worst = state
  }
  return worst
}

/** The states of every `useLive` on this page. */
export const pageConnections: Connections = createConnections()
