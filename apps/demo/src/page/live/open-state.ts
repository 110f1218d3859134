import { nextFrame } from './animation-frame.ts'
import { connectionChanged, stateChanged } from './open-subscriptions.ts'
import { completions } from './request-counts.ts'
import { createStore, type Store } from './store.ts'
import {
  initialState,
  next,
  type SubscriptionChange,
  type SubscriptionState,
} from './subscription-state.ts'

/** A change of a connection, as the client reports it. */
export interface ConnectionChange {
  state: string
  error: unknown
}

/** Handlers of a connection's changes, end and error. */
export interface ConnectionHandlers {
  onConnectionStateChange(change: ConnectionChange): void
  onComplete(): void
  onError(error: unknown): void
}

/** The state of a subscription while it is open. */
export interface State<TEvent> {
  readonly now: SubscriptionState<TEvent>
  /** The state that components see: the one of the last frame. */
  readonly store: Store<SubscriptionState<TEvent>>
  apply(change: SubscriptionChange<TEvent>): void
}

/** Creates the state of a subscription that has not opened yet. */
export function createState<TEvent>(): State<TEvent> {
  const store = createStore<SubscriptionState<TEvent>>(initialState)
  let now = store.get()
  function show(): void {
    store.set(now)
    stateChanged()
  }
  return {
    store,
    get now() {
      return now
    },
    apply(change) {
      const { connection } = now
      now = next(now, change)
      nextFrame(show)
      if (now.connection !== connection) connectionChanged()
    },
  }
}

/** Creates the handlers that record the connection's changes in the state. */
export function connectionHandlers<TEvent>(state: State<TEvent>): ConnectionHandlers {
  return {
    onConnectionStateChange(change) {
      if (change.state === 'pending') state.apply({ type: 'live', at: Date.now() })
      // The first attempt counts as a loss only once it has failed.
      else if (change.state === 'connecting' && (state.now.connection === 'live' || change.error))
        state.apply({ type: 'lost' })
    },
    onComplete() {
      state.apply({ type: 'completed' })
      completions.set(completions.get() + 1)
    },
    onError: () => state.apply({ type: 'failed' }),
  }
}
