import type { StreamEvent } from '../stream/state.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** Reads and writes values as the server's transformer does. */
export interface Codec {
  serialize(value: unknown): unknown
  /** Returns the value of an event. Throws if it can't be read. */
  event(serialized: unknown): unknown
  /** Returns what an error means; one that can't be read is final. */
  error(serialized: unknown): SubscriptionEnd
}

/** A subscription is over, for now or for good. */
export type SubscriptionEnd = Extract<StreamEvent, { readonly type: 'lost' | 'end' }>

/**
 * One of the app's subscriptions, which may share one on the wire. What its handlers throw is
 * thrown on.
 */
export interface Member {
  /**
   * No connection runs it, and one is on its way; the error says why, `undefined` if nothing
   * failed.
   */
  connecting(error: unknown): void
  /**
   * It runs, from this position on if it has one; `live` is what the server says of its values, if
   * it does.
   */
  started(lastEventId: string | undefined, live: boolean | undefined): void
  /** Takes a frame; returns whether the subscription is over by that. */
  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined
  /** It ended with an error. */
  failed(error: unknown): void
  /** It is off the shared stream, and goes on from this position in single mode. */
  single(lastEventId: string | undefined): void
}
