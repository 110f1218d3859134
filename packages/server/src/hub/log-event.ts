import type { EventId } from '@trpc-sse/protocol'
import { type Payload, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { detached } from '../user-code/async-context.ts'

/**
 * An event on its way to subscriptions. A process has one object per event, which is shared by all
 * subscriptions that get the event unchanged.
 */
export interface FeedEvent {
  readonly kind: 'event'
  /** The id to resume from after this event: its id in the log, or a composite id. */
  readonly id: string
  /** The stored payload; `undefined` if `.map` replaced the value. */
  readonly data: Payload | undefined
  readonly codec: Codec
  /** The decoded value, once a reader needed it. */
  decoded: { readonly value: unknown } | undefined
  /** The encoded message in parts, without a subscription's key, once a connection needed it. */
  frame: readonly Uint8Array[] | undefined
  /** The event in the form that live subscriptions get, once one of them needed that form. */
  live?: FeedEvent
}

/** An event of a log. */
export interface LogEvent extends FeedEvent {
  readonly prev: EventId
  readonly data: Payload
}

/**
 * A log's last id that isn't the id of the previous event. The events between the two have expired
 * or are lost.
 */
export interface LogJump {
  readonly kind: 'jump'
  readonly id: EventId
}

/** An entry that readers of a log get. */
export type LogEntry = LogEvent | LogJump

/** Returns the value of an event. Decodes it at most once. Throws `UNDECODABLE_EVENT`. */
export function eventValue(event: FeedEvent): unknown {
  // Detached from the caller's async context, because the value is decoded once for all
  // subscriptions.
  event.decoded ??= {
    value: detached(() => event.codec.deserialize(payloadText(event.data ?? 'null'))),
  }
  return event.decoded.value
}
