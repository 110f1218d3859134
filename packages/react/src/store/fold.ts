import { readValue, type TrackedValue } from './live-values.ts'
import { createPending, type Pending } from './pending-events.ts'

/** Data that a state begins with, and the event that it stands at. */
export interface InitialData<TState> {
  readonly data: TState
  /** Where the subscription goes on, so that nothing is missed that came after the data was read. */
  readonly lastEventId?: string | undefined
}

/** What a reducer is told beside the event. */
export interface LiveEventMeta {
  /** The event's id; empty while it is only shown, before it has come. */
  readonly id: string
}

/** What snapshots and events make of a state. */
export interface Reducers<TState> {
  reduce(state: TState, event: unknown, meta: LiveEventMeta): TState
  snapshot(data: unknown): TState
}

/** A state, and the event that it stands at. */
export interface Fold<TState> {
  readonly pending: Pending
  /** What has come; `undefined` before the first snapshot. */
  data(): TState | undefined
  /** That, and what is shown before it has come. */
  shown(): TState | undefined
  lastEventId(): string | undefined
  /** Takes a value; says whether it made the state whole. If a reducer throws, the state stays as it was. */
  take(value: TrackedValue<unknown>, live?: boolean): boolean
}

/** Creates a state from what it begins with. */
export function createFold<TState>(
  initial: InitialData<TState> | undefined,
  reducers: () => Reducers<TState>,
): Fold<TState> {
  let data = initial?.data
  let position = initial?.lastEventId
  const pending = createPending()

  return {
    pending,
    data: () => data,
    shown: () => (data === undefined ? undefined : pending.show(data, reducers().reduce)),
    lastEventId: () => position,
    take({ id, data: value }, live) {
      const { isSnapshot, data: content } = readValue(value, live)
      if (isSnapshot) {
        data = reducers().snapshot(content)
        pending.overtaken()
      } else if (id !== position) {
        if (data === undefined) throw new Error(tooEarly)
        data = reducers().reduce(data, content, { id })
        pending.arrived(id, content)
      }
      position = id
      return isSnapshot
    },
  }
}

const tooEarly =
  'useLive got an event before it had a state. Give it initialData, or serve the subscription with live().'
