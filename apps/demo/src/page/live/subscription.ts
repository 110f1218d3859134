import { nextFrame } from './animation-frame.ts'
import { createArrivals } from './arrivals.ts'
import { createLogComparison } from './log-comparison.ts'
import {
  connectionChanged,
  type OpenSubscription,
  stateChanged,
  subscriptionClosed,
  subscriptionOpened,
} from './open-subscriptions.ts'
import { latency } from './page-latency.ts'
import { completions } from './request-counts.ts'
import { createStore, type Store, whileSubscribed } from './store.ts'
import {
  initialState,
  next,
  type SubscriptionChange,
  type SubscriptionState,
} from './subscription-state.ts'

/** A procedure to subscribe to. The router infers the type of its events from the channel. */
export interface Subscribable<TInput, TEvent> {
  subscribe(input: TInput, handlers: Handlers<TEvent>): { unsubscribe(): void }
}

interface Handlers<TEvent> {
  readonly context: Record<string, unknown>
  onData(event: TrackedEvent<TEvent>): void
  onConnectionStateChange(change: ConnectionChange): void
  onComplete(): void
  onError(error: unknown): void
}

interface TrackedEvent<TEvent> {
  readonly id: string
  readonly data: TEvent
}

interface ConnectionChange {
  state: string
  error: unknown
}

/** Options of {@link createSubscription}. */
export interface SubscriptionOptions<TInput, TEvent> {
  /** The procedure's path. */
  readonly path: string
  readonly procedure: Subscribable<TInput, TEvent>
  readonly input: TInput
  /** How many events the page keeps. */
  readonly keep: number
  publishedAt(event: TEvent): Date
  /** Asks the log which events came after an id. */
  idsAfter(id: string | undefined): Promise<readonly string[]>
}

/** A subscription as a store: it stays open while the store has subscribers. */
export interface Subscription<TEvent = unknown> extends OpenSubscription {
  readonly now: SubscriptionState<TEvent>
  get(): SubscriptionState<TEvent>
  subscribe(listener: () => void): () => void
}

let created = 0

/** Creates a subscription. It opens when the store gets its first subscriber. */
export function createSubscription<TInput, TEvent>(
  options: SubscriptionOptions<TInput, TEvent>,
): Subscription<TEvent> {
  const arrivals = createArrivals()
  const compare = createLogComparison(arrivals, options.idsAfter)
  const state = createState<TEvent>()
  const handlers = createHandlers(options, state, arrivals.note)

  function open(): () => void {
    // Nothing is left to receive.
    if (state.now.connection === 'completed') return () => {}
    subscriptionOpened(subscription)
    const { unsubscribe } = options.procedure.subscribe(options.input, handlers)
    return () => {
      unsubscribe()
      subscriptionClosed(subscription)
    }
  }

  const subscription: Subscription<TEvent> = {
    id: ++created,
    path: options.path,
    get: state.store.get,
    subscribe: whileSubscribed(state.store, open),
    get now() {
      return state.now
    },
    async check(lastEventId) {
      const comparison = await compare(lastEventId)
      const { missing } = comparison
      if (missing > 0) state.apply({ type: 'count', what: 'missing', times: missing })
      return comparison
    },
  }
  return subscription
}

/** Translates the client's reports into changes of the state. */
function createHandlers<TEvent>(
  { publishedAt, keep }: Pick<SubscriptionOptions<unknown, TEvent>, 'publishedAt' | 'keep'>,
  state: State<TEvent>,
  isFirstArrival: (id: string) => boolean,
): Handlers<TEvent> {
  const count = (what: 'repeated' | 'gaps'): void => state.apply({ type: 'count', what, times: 1 })
  return {
    context: { onGap: () => count('gaps') },
    onData({ id, data }) {
      if (!isFirstArrival(id)) {
        count('repeated')
        return
      }
      const at = publishedAt(data).getTime()
      const { liveAt = Infinity, firstLiveAt = Infinity } = state.now
      if (at >= liveAt) latency.measure(at)
      const late = at >= firstLiveAt && at < liveAt
      state.apply({ type: 'event', event: { id, data, late }, keep })
    },
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

interface State<TEvent> {
  readonly now: SubscriptionState<TEvent>
  /** The state that components see: the one of the last frame. */
  readonly store: Store<SubscriptionState<TEvent>>
  apply(change: SubscriptionChange<TEvent>): void
}

function createState<TEvent>(): State<TEvent> {
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
