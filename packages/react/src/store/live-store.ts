import type { SseGap } from '@trpc-sse/client'
import type { Frames } from '../animation-frame.ts'
import type { Connections } from './connections.ts'
import { createFold, type Fold, type InitialData, type Reducers } from './fold.ts'
import type { LiveSubscription } from './subscription.ts'
import { type LiveStatus, type RunListener, startRun } from './subscription-run.ts'

/** What a component sees of a live state, and does to it. */
export interface LiveResult<TData, TEvent, TError> {
  readonly data: TData
  /**
   * `idle` if it isn't enabled; `connecting`; `pending` while it runs; `complete` when the procedure has come to its end;
   * `error` when it has failed for good.
   */
  readonly status: LiveStatus
  /** What is missing in `data`, until a snapshot or `reset` makes it whole. */
  readonly gap: SseGap | null
  /** Why it isn't running. While it is `connecting`, it is tried again. */
  readonly error: TError | null
  /**
   * Shows an event before it has come: until the event with the id that `sent` resolves to is there, or one that is
   * the same. Have the mutation return what `publish` returned. If `sent` rejects, the event is taken back. The function
   * stays the same for as long as the subscription does.
   */
  optimistic(
    event: TEvent,
    sent: PromiseLike<{ readonly id: string }>,
    options?: OptimisticOptions<TEvent>,
  ): void
  /**
   * Begins anew, without what is pending: with this data, or else with `initialData` as it was rendered last. The function
   * stays the same for as long as the subscription does.
   */
  reset(initialData?: InitialData<Exclude<TData, undefined>>): void
}

/** Options of `optimistic`. */
export interface OptimisticOptions<TEvent> {
  /**
   * Tells whether an event that has come is the one that is shown. Needed only where a reducer must not be given an event
   * twice: the event may come before the server's answer with its id.
   */
  isSame?(event: TEvent): boolean
}

/** What a store works with; each render may bring another. */
export interface StoreConfig<TState, TError> extends Reducers<TState> {
  readonly subscription: LiveSubscription<unknown, TError>
  readonly initialData: InitialData<TState> | undefined
  readonly write: ((data: TState, lastEventId: string) => void) | undefined
  readonly frames: Frames
}

type Result<TState, TError> = LiveResult<TState | undefined, unknown, TError>

/** A live state, for whoever listens to it. It is subscribed while somebody does. */
export interface LiveStore<TState, TError> {
  configure(config: StoreConfig<TState, TError>): void
  /** Listens; the first one subscribes. Returns what ends it. */
  subscribe(listener: () => void): () => void
  getState(): Result<TState, TError>
  /** The state before anything came: what a server renders, and a browser that hydrates it. */
  getInitialState(): Result<TState, TError>
}

/** Creates the store of one subscription. */
export function createLiveStore<TState, TError>(
  firstConfig: StoreConfig<TState, TError>,
  connections: Connections,
): LiveStore<TState, TError> {
  let config = firstConfig
  const listeners = new Set<() => void>()
  const isEnabled = config.subscription.enabled !== false
  const newFold = (initialData = config.initialData): Fold<TState> =>
    createFold(initialData, () => config)
  let fold = newFold()
  let written = fold.data()
  let now: Pick<Result<TState, TError>, 'status' | 'gap' | 'error'> = {
    status: isEnabled ? 'connecting' : 'idle',
    gap: null,
    error: null,
  }
  let stopRun: (() => void) | undefined
  let cancelFrame: (() => void) | undefined

  function write(): void {
    const data = fold.data()
    const lastEventId = fold.lastEventId()
    if (data === undefined || data === written || lastEventId === undefined) return
    written = data
    config.write?.(data, lastEventId)
  }

  /** Shows what is there by now. */
  function show(): void {
    cancelFrame?.()
    cancelFrame = undefined
    state = toState()
    for (const listener of [...listeners]) listener()
    write()
  }

  function changed(change: Partial<typeof now> = {}): void {
    now = { ...now, ...change }
    cancelFrame ??= config.frames(show)
  }

  const runListener: RunListener<TError> = {
    lastEventId: () => fold.lastEventId(),
    onValue: (value, live) => changed(fold.take(value, live) ? { gap: null } : {}),
    onGap(gap) {
      fold.pending.overtaken()
      changed({ gap })
    },
    onStatus(status, error) {
      const isOn = status === 'connecting' || status === 'pending'
      connections.report(store, isOn ? { status, error } : undefined)
      changed({ status, error })
    },
  }

  function start(): void {
    if (isEnabled) stopRun ??= startRun(() => config.subscription, runListener)
  }

  function stop(): void {
    stopRun?.()
    stopRun = undefined
    connections.report(store, undefined)
  }

  const actions: Pick<Result<TState, TError>, 'optimistic' | 'reset'> = {
    optimistic(event, sent, { isSame } = {}) {
      const takeBack = fold.pending.add(event, sent, isSame, changed)
      try {
        // What a user does shows at once.
        show()
      } catch (cause) {
        takeBack()
        throw cause
      }
    },
    reset(initialData) {
      stop()
      fold = newFold(initialData)
      now = { ...now, gap: null }
      if (listeners.size > 0) start()
      show()
    },
  }

  const toState = (): Result<TState, TError> => ({ ...now, data: fold.shown(), ...actions })

  const initialState = toState()
  let state = initialState
  const store: LiveStore<TState, TError> = {
    configure(next) {
      config = next
    },
    subscribe(listener) {
      listeners.add(listener)
      start()
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        // It goes on from here when somebody listens again.
        stop()
        if (cancelFrame) show()
      }
    },
    getState: () => state,
    getInitialState: () => initialState,
  }
  return store
}
