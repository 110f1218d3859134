import { isPlainObject } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'

/** The final status of a run. */
export type RunEnd = 'completed' | 'failed' | 'stopped' | 'abandoned'

/**
 * An item that a follower of a run gets. Only runs with a fold have items of the type `'fold'`.
 *
 * `'caught-up'` comes once the follower has all deltas that existed when it joined or resumed, and
 * again after a fold that replaces missing deltas. `'end'` is the last item. After it, the
 * subscription completes. It fails if the run has failed, is abandoned or has not begun in time.
 */
export type RunItem<TValue, TEvent> =
  | ([TValue] extends [never] ? never : { readonly type: 'fold'; readonly value: TValue })
  | { readonly type: 'delta'; readonly data: TEvent }
  | { readonly type: 'caught-up' }
  | EndItem

/** The last item that a follower gets. */
export interface EndItem {
  readonly type: 'end'
  /** How the run has ended; `'none'` if it has not begun within `waitForStartMs`. */
  readonly status: RunEnd | 'none'
  /** The reason for the stop or the failure, if it is known. */
  readonly reason?: string
}

/** The maximum length of a reason, in characters. */
export const maxReasonLength = 1_000

/** The position of a follower that has the end. A resume from this position completes. */
export const afterEnd = 'ended'

/** Creates the event for an item that isn't stored in the form that followers get. */
export function itemEvent(id: string, value: RunItem<unknown, unknown>, codec: Codec): FeedEvent {
  return { kind: 'event', id, data: undefined, codec, decoded: { value }, frame: undefined }
}

/** The last event of a run. */
export interface EndMarker {
  readonly type: 'end'
  readonly status: RunEnd
  /** The reason of the stop, or the message of the error with which the run failed. */
  readonly reason?: string
}

/** An event of a run's log. */
export type StoredItem = { readonly type: 'delta'; readonly data: unknown } | EndMarker

/** Parses a value of a run's log. Returns `undefined` for any value that a run doesn't store. */
export function toStoredItem(value: unknown): StoredItem | undefined {
  if (!isPlainObject(value)) return undefined
  const { type, data, status } = value
  if (type === 'delta') return { type, data }
  if (type !== 'end' || !isRunEnd(status)) return undefined
  return { type, status, ...reasonIn(value) }
}

/** The content of the entry `status` in a run's log. */
export interface RunState {
  readonly status: 'running' | RunEnd
  readonly reason?: string
}

/**
 * Parses the entry `status`. A running run is abandoned if it neither has a producer nor waits for
 * one.
 */
export function toRunState(text: string | null, isAlive: boolean): RunState | undefined {
  if (text === null) return undefined
  const value: unknown = JSON.parse(text)
  if (!isPlainObject(value)) return undefined
  const { status } = value
  if (isRunEnd(status)) return { status, ...reasonIn(value) }
  return { status: isAlive ? 'running' : 'abandoned' }
}

/** Returns the end of a run with a status; `undefined` while the run is running. */
export function toEndMarker(state: RunState): EndMarker | undefined {
  const { status } = state
  return status === 'running' ? undefined : { type: 'end', status, ...reasonIn(state) }
}

/** Returns a value's own reason, if it has one. Ignores a polluted `Object.prototype`. */
export function reasonIn(value: { readonly reason?: unknown }): Pick<RunState, 'reason'> {
  const reason = Object.hasOwn(value, 'reason') ? value.reason : undefined
  return typeof reason === 'string' ? { reason } : {}
}

function isRunEnd(status: unknown): status is RunEnd {
  return (
    status === 'completed' || status === 'failed' || status === 'stopped' || status === 'abandoned'
  )
}
