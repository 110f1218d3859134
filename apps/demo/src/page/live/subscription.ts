import { createArrivals } from './arrivals.ts'
import { createLogComparison } from './log-comparison.ts'
import {
  type ConnectionHandlers,
  connectionHandlers,
  createState,
  type State,
} from './open-state.ts'
import {
  nextId,
  type OpenSubscription,
  subscriptionClosed,
  subscriptionOpened,
} from './open-subscriptions.ts'
import { latency } from './page-latency.ts'
import { whileSubscribed } from './store.ts'
import type { SubscriptionState } from './subscription-state.ts'

/** A procedure to subscribe to. The router infers the type of its events from the channel. */
export interface Subscribable<TInput, TEvent> {
  subscribe(input: TInput, handlers: Handlers<TEvent>): { unsubscribe(): void }
}

interface Handlers<TEvent> extends ConnectionHandlers {
  readonly context: Record<string, unknown>
  onData(event: TrackedEvent<TEvent>): void
}

interface TrackedEvent<TEvent> {
  readonly id: string
  readonly data: TEvent
}

/** Options of {@link createSubscription}. */
export interface SubscriptionOptions<TInput, TEvent> {
  /** The procedure's path. */
  readonly path: string
  readonly procedure: Subscribable<TInput, TEvent>
  readonly input: TInput
  /** The number of events that the page keeps. */
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
    id: nextId(),
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
  return {
    ...connectionHandlers(state),
    context: { onGap: () => state.apply({ type: 'count', what: 'gaps', times: 1 }) },
    onData({ id, data }) {
      if (!isFirstArrival(id)) {
        state.apply({ type: 'count', what: 'repeated', times: 1 })
        return
      }
      const at = publishedAt(data).getTime()
      const { liveAt = Infinity, firstLiveAt = Infinity } = state.now
      if (at >= liveAt) latency.measure(at)
      const late = at >= firstLiveAt && at < liveAt
      state.apply({ type: 'event', event: { id, data, late }, keep })
    },
  }
}
