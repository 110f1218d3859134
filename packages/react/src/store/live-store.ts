import type { Frames } from '../animation-frame.ts'
import type { Connections } from './connections.ts'
import { Fold, type InitialData, type Reducers } from './fold.ts'
import type { LiveResult } from './live-result.ts'
import type { TrackedValue } from './live-values.ts'
import {
  type LiveStatus,
  type SubscriptionListener,
  startSubscription,
} from './start-subscription.ts'
import type { LiveSubscription } from './subscription.ts'

/** The configuration of a store. Each render may bring a new one. */
export interface StoreConfig<TState, TError> extends Reducers<TState> {
  readonly subscription: LiveSubscription<unknown, TError>
  readonly initialData: InitialData<TState> | undefined
  readonly write: ((data: TState, lastEventId: string) => void) | undefined
  readonly frames: Frames
}

type Result<TState, TError> = LiveResult<TState | undefined, unknown, TError>
type Situation<TError> = Pick<Result<unknown, TError>, 'status' | 'gap' | 'error'>
type Actions<TState, TError> = Pick<Result<TState, TError>, 'optimistic' | 'reset'>

/** The live state of one subscription. It is subscribed while the store has listeners. */
export class LiveStore<TState, TError> {
  readonly #connections: Connections
  readonly #isEnabled: boolean
  readonly #listeners = new Set<() => void>()
  readonly #actions: Actions<TState, TError>
  readonly #initialState: Result<TState, TError>
  #config: StoreConfig<TState, TError>
  #fold: Fold<TState>
  #written: TState | undefined
  #situation: Situation<TError>
  #state: Result<TState, TError>
  #unsubscribe: (() => void) | undefined
  #cancelFrame: (() => void) | undefined

  constructor(config: StoreConfig<TState, TError>, connections: Connections) {
    this.#config = config
    this.#connections = connections
    this.#isEnabled = config.subscription.enabled !== false
    this.#fold = new Fold(config.initialData, () => this.#config)
    this.#written = this.#fold.data
    this.#situation = { status: this.#isEnabled ? 'connecting' : 'idle', gap: null, error: null }
    this.#actions = {
      optimistic: (event, sent, options) => this.#showOptimistic(event, sent, options?.isSame),
      reset: (initialData) => this.#reset(initialData),
    }
    this.#initialState = this.#toState()
    this.#state = this.#initialState
  }

  /** Sets the configuration of the latest render. */
  configure(config: StoreConfig<TState, TError>): void {
    this.#config = config
  }

  /** Adds a listener; the first one subscribes. Returns a function that removes it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#start()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      // The next listener resumes from here.
      this.#stop()
      if (this.#cancelFrame) this.#show()
    }
  }

  readonly getState = (): Result<TState, TError> => this.#state

  /** Returns the state before any value arrived: for server rendering and hydration. */
  readonly getInitialState = (): Result<TState, TError> => this.#initialState

  #start(): void {
    if (this.#isEnabled)
      this.#unsubscribe ??= startSubscription(() => this.#config.subscription, this.#listener)
  }

  #stop(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#connections.report(this, undefined)
  }

  readonly #listener: SubscriptionListener<TError> = {
    lastEventId: () => this.#fold.lastEventId,
    onValue: (value, isLive) => this.#applyValue(value, isLive),
    onStatus: (status, error) => this.#setStatus(status, error),
    onGap: (gap) => {
      this.#fold.pending.missedArrivals()
      this.#changed({ gap })
    },
  }

  #applyValue(value: TrackedValue<unknown>, isLive: boolean | undefined): void {
    const isSnapshot = this.#fold.apply(value, isLive)
    this.#changed(isSnapshot ? { gap: null } : {})
  }

  #setStatus(status: LiveStatus, error: TError | null): void {
    const isOpen = status === 'connecting' || status === 'pending'
    this.#connections.report(this, isOpen ? { status, error } : undefined)
    this.#changed({ status, error })
  }

  #changed(change: Partial<Situation<TError>> = {}): void {
    this.#situation = { ...this.#situation, ...change }
    this.#cancelFrame ??= this.#config.frames(() => this.#show())
  }

  /** Publishes the current state to the listeners, and to `write`. */
  #show(): void {
    this.#cancelFrame?.()
    this.#cancelFrame = undefined
    this.#state = this.#toState()
    for (const listener of [...this.#listeners]) listener()
    this.#write()
  }

  #write(): void {
    const { data, lastEventId } = this.#fold
    if (data === undefined || data === this.#written || lastEventId === undefined) return
    this.#written = data
    this.#config.write?.(data, lastEventId)
  }

  #showOptimistic(
    event: unknown,
    sent: PromiseLike<{ readonly id: string }>,
    isSame: ((event: unknown) => boolean) | undefined,
  ): void {
    const remove = this.#fold.pending.add(event, sent, isSame, () => this.#changed())
    try {
      // Show it without waiting for a frame, because it is the user's own action.
      this.#show()
    } catch (cause) {
      remove()
      throw cause
    }
  }

  #reset(initialData = this.#config.initialData): void {
    this.#stop()
    this.#fold = new Fold(initialData, () => this.#config)
    this.#situation = { ...this.#situation, gap: null }
    if (this.#listeners.size > 0) this.#start()
    this.#show()
  }

  #toState(): Result<TState, TError> {
    return { ...this.#situation, data: this.#fold.shown(), ...this.#actions }
  }
}
