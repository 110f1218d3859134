/** A value of a tracked subscription, as tRPC's clients receive it. */
export interface TrackedValue<TValue> {
  readonly id: string
  readonly data: TValue
}

/** The snapshot type of a live subscription's values; `never` for other subscriptions. */
export type SnapshotOf<TValue> = IsLive<TValue> extends true ? DataOf<TValue, 'snapshot'> : never

/** The event type of a live subscription's values; for other subscriptions, the value itself. */
export type EventOf<TValue> = IsLive<TValue> extends true ? DataOf<TValue, 'event'> : TValue

type DataOf<TValue, TType> = TValue extends { readonly type: TType; readonly data: infer TData }
  ? TData
  : never

/** Whether all values are `{ type, data }` of a live subscription, with no other properties. */
type IsLive<TValue> = [TValue] extends [
  { readonly type: 'snapshot' | 'event'; readonly data: unknown },
]
  ? [Exclude<KeysOf<TValue>, 'type' | 'data'>] extends [never]
    ? true
    : false
  : false

type KeysOf<TValue> = TValue extends unknown ? keyof TValue : never

/** A value without its envelope. */
export interface LiveValue {
  readonly isSnapshot: boolean
  readonly data: unknown
}

/**
 * Unwraps a value of a live subscription. If the server doesn't say whether the subscription is
 * live, the shape decides: `{ type, data }` and no other properties.
 */
export function readValue(value: unknown, isLive: boolean | undefined): LiveValue {
  if (isLive !== false && isEnvelope(value))
    return { isSnapshot: value.type === 'snapshot', data: value.data }
  return { isSnapshot: false, data: value }
}

function isEnvelope(value: unknown): value is { type: 'snapshot' | 'event'; data: unknown } {
  if (typeof value !== 'object' || value === null || !('type' in value && 'data' in value))
    return false
  return (value.type === 'snapshot' || value.type === 'event') && Object.keys(value).length === 2
}
