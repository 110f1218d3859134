import { readValue, type TrackedValue } from './live-values.ts'
import { PendingEvents } from './pending-events.ts'

/** Data that a state begins with, and its position. */
export interface InitialData<TState> {
  readonly data: TState
  /** The position to start after, so that no event since the data was read is missed. */
  readonly lastEventId?: string | undefined
}

/** Information about the event that a reducer gets. */
export interface LiveEventMeta {
  /** The event's id. Empty for an optimistic event that has not arrived yet. */
  readonly id: string
}

/** Functions that turn snapshots and events into a state. */
export interface Reducers<TState> {
  reduce(state: TState, event: unknown, meta: LiveEventMeta): TState
  snapshot(data: unknown): TState
  /**
   * Whether an event only marks the position of the event before it, and so has the same id. Other
   * events with the id of the last one are repeated, and left out.
   */
  isMark?(event: unknown): boolean
}

/** A state, and the position of its last event. */
export class Fold<TState> {
  readonly pending: PendingEvents = new PendingEvents()
  readonly #reducers: () => Reducers<TState>
  #data: TState | undefined
  #lastEventId: string | undefined

  /** Starts with the initial data. `reducers` returns those of the latest render. */
  constructor(initial: InitialData<TState> | undefined, reducers: () => Reducers<TState>) {
    this.#data = initial?.data
    this.#lastEventId = initial?.lastEventId
    this.#reducers = reducers
  }

  /** The state without optimistic events; `undefined` before the first snapshot. */
  get data(): TState | undefined {
    return this.#data
  }

  get lastEventId(): string | undefined {
    return this.#lastEventId
  }

  /** Returns the state with optimistic events. */
  shown(): TState | undefined {
    if (this.#data === undefined) return undefined
    return this.pending.applyTo(this.#data, this.#reducers().reduce)
  }

  /** Applies a value. Returns whether it was a snapshot. If a reducer throws, nothing changes. */
  apply({ id, data: value }: TrackedValue<unknown>, isLive?: boolean): boolean {
    const { isSnapshot, data } = readValue(value, isLive)
    if (isSnapshot) {
      this.#data = this.#reducers().snapshot(data)
      this.pending.missedArrivals()
    } else if (id !== this.#lastEventId || this.#reducers().isMark?.(data)) {
      if (this.#data === undefined) throw new Error(eventBeforeState)
      this.#data = this.#reducers().reduce(this.#data, data, { id })
      this.pending.arrived(id, data)
    }
    this.#lastEventId = id
    return isSnapshot
  }
}

const eventBeforeState =
  'useLive received an event before it had a state. Pass initialData, or return live() from the procedure.'
