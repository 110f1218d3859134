import { isPlainObject } from '@trpc-sse/protocol'

/** How a run ended. */
export type RunEnd = 'completed' | 'failed' | 'stopped' | 'abandoned'

/** What a follower of a run gets: without a fold, deltas only. */
export type RunItem<TValue, TEvent> =
  | ([TValue] extends [never] ? never : { readonly type: 'fold'; readonly value: TValue })
  | { readonly type: 'delta'; readonly data: TEvent }

/** The most characters of the reason for an end. */
export const maxReasonLength = 1_000

/** The last event of a run, which its followers don't get: their subscriptions end. */
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
