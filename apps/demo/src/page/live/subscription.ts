import { nextFrame } from './animation-frame.ts'
import { createLedger } from './arrivals.ts'
import { type Checked, createAudit } from './log-comparison.ts'
import { closed, connectionChanged, opened, stateChanged } from './open-subscriptions.ts'
import { latency } from './page-latency.ts'
import { createStore, type Store, whileSubscribed } from './store.ts'
import {
  initialStreamState,
  next,
  type StreamNews,
  type StreamState,
} from './subscription-state.ts'

/** A procedure to subscribe to. What its events are comes from the router, which has it from the channel. */
export interface Subscribable<TInput, TEvent> {
  subscribe(input: TInput, handlers: Handlers<TEvent>): { unsubscribe(): void }
}

interface Handlers<TEvent> {
  readonly context: Record<string, unknown>
  onData(event: { readonly id: string; readonly data: TEvent }): void
  onConnectionStateChange(change: ConnectionChange): void
  onError(error: unknown): void
}

interface ConnectionChange {
  state: string
  error: unknown
}

/** What a stream is made of. */
export interface StreamOptions<TInput, TEvent> {
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

/** A subscription as a store: it is open as long as somebody is subscribed to the store. */
export interface Stream<TEvent = unknown> {
  /** Its own, for as long as the page is open. */
  readonly id: number
  readonly path: string
  get(): StreamState<TEvent>
  subscribe(listener: () => void): () => void
  /** Where it stands now; `get` lags behind by up to a frame. */
  readonly now: StreamState<TEvent>
  /** Compares what arrived with the log. Counts the events after `lastEventId`. */
  check(lastEventId: string | undefined): Promise<Checked>
}

let streams = 0

/** Creates a stream. Nothing is opened before somebody subscribes. */
export function createStream<TInput, TEvent>(
  options: StreamOptions<TInput, TEvent>,
): Stream<TEvent> {
  const { path, publishedAt, idsAfter, keep } = options
  const ledger = createLedger()
  const audit = createAudit({ ledger, idsAfter })
  const state = createState<TEvent>()
  const { tell } = state

  function onData({ id, data }: { readonly id: string; readonly data: TEvent }): void {
    if (!ledger.note(id)) {
      tell({ type: 'count', what: 'repeated', times: 1 })
      return
    }
    const at = publishedAt(data).getTime()
    const { liveAt = Infinity, firstLiveAt = Infinity } = state.now
    if (at >= liveAt) latency.measure(at)
    tell({ type: 'event', event: { id, data, late: at >= firstLiveAt && at < liveAt }, keep })
  }

  function onConnectionStateChange(change: ConnectionChange): void {
    if (change.state === 'pending') tell({ type: 'live', at: Date.now() })
    // The first try is no loss before it fails.
    else if (change.state === 'connecting' && (state.now.connection === 'live' || change.error))
      tell({ type: 'lost' })
  }

  function open(): () => void {
    opened(stream)
    const subscription = options.procedure.subscribe(options.input, {
      onData,
      onConnectionStateChange,
      onError: () => tell({ type: 'ended' }),
      context: { onGap: () => tell({ type: 'count', what: 'gaps', times: 1 }) },
    })
    return () => {
      subscription.unsubscribe()
      closed(stream)
    }
  }

  const stream: Stream<TEvent> = {
    id: ++streams,
    path,
    get: state.store.get,
    subscribe: whileSubscribed(state.store, open),
    get now() {
      return state.now
    },
    async check(lastEventId) {
      const checked = await audit(lastEventId)
      if (checked.missing > 0) tell({ type: 'count', what: 'missing', times: checked.missing })
      return checked
    },
  }
  return stream
}

interface State<TEvent> {
  readonly now: StreamState<TEvent>
  /** What components see: the state as it was in the last frame. */
  readonly store: Store<StreamState<TEvent>>
  tell(news: StreamNews<TEvent>): void
}

function createState<TEvent>(): State<TEvent> {
  const store = createStore<StreamState<TEvent>>(initialStreamState)
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
    tell(news) {
      const { connection } = now
      now = next(now, news)
      nextFrame(show)
      if (now.connection !== connection) connectionChanged()
    },
  }
}
