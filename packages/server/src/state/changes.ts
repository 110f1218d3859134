import { isPlainObject } from '@trpc-sse/protocol'

/** An entry of a state channel, as snapshots contain it. */
export interface StateEntry<TValue> {
  readonly key: string
  readonly value: TValue
}

/** A change of a state channel: an event of its log. */
export type StateChange<TValue> =
  | { readonly type: 'set'; readonly key: string; readonly value: TValue }
  | { readonly type: 'removed'; readonly key: string }

/** Validates an event of a state channel's log. Returns `undefined` for any other value. */
export function toStateChange(event: unknown): StateChange<unknown> | undefined {
  if (!isPlainObject(event)) return undefined
  const { type, key, value } = event
  if (typeof key !== 'string') return undefined
  if (type === 'removed') return { type, key }
  return type === 'set' ? { type, key, value } : undefined
}
