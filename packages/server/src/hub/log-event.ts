import type { EventId } from '@trpc-sse/protocol'
import { type Payload, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { detached } from '../user-code/async-context.ts'

/**
 * An event on its way to subscriptions. There is one object per process and event, shared by all
 * subscriptions that get the event as stored.
 */
export interface FeedEvent {
  readonly kind: 'event'
  /** The id to resume from after this event: its id in the log, or a composite id. */
  readonly id: string
  /** The stored payload; `undefined` where `.map` made a new value. */
  readonly data: Payload | undefined
  readonly codec: Codec
  /** The value, once it was needed. */
  decoded: { readonly value: unknown } | undefined
  /** The parts of the bytes on the wire, without a subscription's key, once they were needed. */
  frame: readonly Uint8Array[] | undefined
  /** The event in the form that live subscriptions get, once one of them needed it. */
  live?: FeedEvent
}

/** An event of a log. */
export interface LogEvent extends FeedEvent {
  readonly prev: EventId
  readonly data: Payload
}

/**
 * A log's last id that isn't the id of the event before: events between the two have expired or are
 * lost.
 */
export interface LogJump {
  readonly kind: 'jump'
  readonly id: EventId
}

/** An entry of a log, as its readers get it. */
export type LogEntry = LogEvent | LogJump

/** Returns the value of an event, decoded at most once. Throws `UNDECODABLE_EVENT`. */
export function eventValue(event: FeedEvent): unknown {
  // Decoded once for all subscriptions, so outside the async context of the one that asks.
  event.decoded ??= {
    value: detached(() => event.codec.deserialize(payloadText(event.data ?? 'null'))),
  }
  return event.decoded.value
}
