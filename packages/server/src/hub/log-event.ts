import type { EventId } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { detached } from '../user-code/async-context.ts'

/** An event on its way to a subscription. One object per process and event, shared by all who get it as stored. */
export interface FeedEvent {
  readonly kind: 'event'
  /** What resumes after this event: its id in the log, or a composite id. */
  readonly id: string
  /** The stored JSON text; `undefined` where a `.map` made a new value. */
  readonly data: string | undefined
  readonly codec: Codec
  /** The value, where somebody needs it. */
  decoded: { readonly value: unknown } | undefined
  /** The bytes on the wire, without a subscription's key, once somebody needed them. */
  frame: Uint8Array | undefined
  /** The same as an event of live subscriptions, once one of them needed it. */
  live?: FeedEvent
}

/** An event as it stands in a log. */
export interface LogEvent extends FeedEvent {
  readonly prev: EventId
  readonly data: string
}

/** Where a log goes on at another id without an event: what was before is lost, or has expired. */
export interface LogJump {
  readonly kind: 'jump'
  readonly id: EventId
}

/** What a reader of a log meets, in order. */
export type LogEntry = LogEvent | LogJump

/** The value of an event, decoded at most once. Throws `UNDECODABLE_EVENT`. */
export function eventValue(event: FeedEvent): unknown {
  // Made once for all subscriptions: no transformer may make it of what one of them has in its async context.
  event.decoded ??= { value: detached(() => event.codec.deserialize(event.data ?? 'null')) }
  return event.decoded.value
}
