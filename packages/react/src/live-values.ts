/** A value of a tracked subscription, as tRPC's clients get it. */
export interface TrackedValue<TValue> {
  readonly id: string
  readonly data: TValue
}

/** The snapshot in the values of a live subscription; `never` where there is none. */
export type SnapshotOf<TValue> = TValue extends { readonly type: 'snapshot'; readonly data: infer TData }
  ? TData
  : never

/** The event in the values of a live subscription; of any other, the value itself. */
export type EventOf<TValue> = TValue extends { readonly type: 'snapshot'; readonly data: unknown }
  ? never
  : TValue extends { readonly type: 'event'; readonly data: infer TData }
    ? TData
    : TValue

/** What a value means to a state. */
export interface Change {
  readonly isSnapshot: boolean
  readonly data: unknown
}

/** Tells what `live` of a channel sends from what other subscriptions send. */
export function readValue(value: unknown): Change {
  if (typeof value === 'object' && value !== null && 'type' in value && 'data' in value) {
    if (value.type === 'snapshot') return { isSnapshot: true, data: value.data }
    if (value.type === 'event') return { isSnapshot: false, data: value.data }
  }
  return { isSnapshot: false, data: value }
}
