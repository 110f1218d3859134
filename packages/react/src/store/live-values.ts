/** A value of a tracked subscription, as tRPC's clients get it. */
export interface TrackedValue<TValue> {
  readonly id: string
  readonly data: TValue
}

/** The snapshot in the values of a live subscription; `never` where there is none. */
export type SnapshotOf<TValue> = IsLive<TValue> extends true ? DataOf<TValue, 'snapshot'> : never

/** The event in the values of a live subscription; of any other, the value itself. */
export type EventOf<TValue> = IsLive<TValue> extends true ? DataOf<TValue, 'event'> : TValue

type DataOf<TValue, TType> = TValue extends { readonly type: TType; readonly data: infer TData }
  ? TData
  : never

/** Whether all values have the form of a live subscription's: an event that happens to have a `type` has others beside. */
type IsLive<TValue> = [TValue] extends [
  { readonly type: 'snapshot' | 'event'; readonly data: unknown },
]
  ? [Exclude<KeysOf<TValue>, 'type' | 'data'>] extends [never]
    ? true
    : false
  : false

type KeysOf<TValue> = TValue extends unknown ? keyof TValue : never

/** What a value means to a state. */
export interface Change {
  readonly isSnapshot: boolean
  readonly data: unknown
}

/**
 * Tells what `live` of a channel sends from what other subscriptions send. Where the server doesn't say which it is, its
 * form does: `{ type, data }`, and nothing else.
 */
export function readValue(value: unknown, live: boolean | undefined): Change {
  if (live !== false && isEnvelope(value))
    return { isSnapshot: value.type === 'snapshot', data: value.data }
  return { isSnapshot: false, data: value }
}

function isEnvelope(value: unknown): value is { type: 'snapshot' | 'event'; data: unknown } {
  if (typeof value !== 'object' || value === null || !('type' in value && 'data' in value))
    return false
  return (value.type === 'snapshot' || value.type === 'event') && Object.keys(value).length === 2
}
