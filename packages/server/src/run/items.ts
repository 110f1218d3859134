import { isPlainObject } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import type { FeedEvent } from '../hub/log-event.ts'

/** How a run ended. */
export type RunEnd = 'completed' | 'failed' | 'stopped' | 'abandoned'

/**
 * What a follower of a run gets. Only runs with a fold have items of the type `'fold'`.
 *
 * `'caught-up'` comes once the follower has everything that was there when it joined or resumed, and
 * again after a fold that replaces missing deltas. `'end'` is the last item. A run that fails or is
 * abandoned has none: the subscription ends with an error.
 */
export type RunItem<TValue, TEvent> =
  | ([TValue] extends [never] ? never : { readonly type: 'fold'; readonly value: TValue })
  | { readonly type: 'delta'; readonly data: TEvent }
  | { readonly type: 'caught-up' }
  | {
      readonly type: 'end'
      readonly status: 'completed' | 'stopped'
      /** Why it was stopped, if `stop` was given a reason. */
      readonly reason?: string
    }

/** The most characters of the reason for an end. */
export const maxReasonLength = 1_000

/** The position of a follower that has the end: a resume from it completes. */
export const afterEnd = 'ended'

/** Makes the event for an item that is not stored as followers get it. */
export function itemEvent(id: string, value: RunItem<unknown, unknown>, codec: Codec): FeedEvent {
  return { kind: 'event', id, data: undefined, codec, decoded: { value }, frame: undefined }
}

/** The last event of a run. */
export interface EndMarker {
  readonly type: 'end'
  readonly status: RunEnd
  /** Why it was stopped, or the message of the error that it failed with. */
  readonly reason?: string
}

/** An event of a run's log. */
export type StoredItem = { readonly type: 'delta'; readonly data: unknown } | EndMarker

/** Reads a value of a run's log; `undefined` for what no run has stored. */
export function toStoredItem(value: unknown): StoredItem | undefined {
  if (!isPlainObject(value)) return undefined
  const { type, data, status, reason } = value
  if (type === 'delta') return { type, data }
  if (type !== 'end' || !isRunEnd(status)) return undefined
  return { type, status, ...(typeof reason === 'string' && { reason }) }
}

/** What the entry `status` of a run's log says. */
export interface RunState {
  readonly status: 'running' | RunEnd
  readonly reason?: string
}

/** Reads the entry `status`, and whether the lease is still held. */
export function toRunState(text: string | null, lease: string | null): RunState | undefined {
  if (text === null) return undefined
  const value: unknown = JSON.parse(text)
  if (!isPlainObject(value)) return undefined
  const { status, reason } = value
  const why = typeof reason === 'string' ? { reason } : {}
  if (isRunEnd(status)) return { status, ...why }
  return { status: lease === null ? 'abandoned' : 'running' }
}

function isRunEnd(status: unknown): status is RunEnd {
  return (
    status === 'completed' || status === 'failed' || status === 'stopped' || status === 'abandoned'
  )
}
