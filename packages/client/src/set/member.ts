import type { StreamEvent } from '../stream/state.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** Reads and writes values as the server's transformer does. */
export interface Codec {
  serialize(value: unknown): unknown
  /** Returns the value of an event. Throws if it can't be read. */
  event(serialized: unknown): unknown
  /** Returns what an error means for the subscription. An unreadable error is final. */
  error(serialized: unknown): SubscriptionEnd
}

/** A subscription is over, for now or for good. */
export type SubscriptionEnd = Extract<StreamEvent, { readonly type: 'lost' | 'end' }>

/**
 * One of the app's subscriptions, which may share one on the wire. Errors of its handlers are
 * rethrown.
 */
export interface Member {
  /**
   * No connection runs it, and one is being opened. The error is the reason; `undefined` if nothing
   * failed.
   */
  connecting(error: unknown): void
  /**
   * It runs, from this position if it has one. `live` says whether its values are those of a live
   * subscription, if the server has sent that.
   */
  started(lastEventId: string | undefined, live: boolean | undefined): void
  /** Takes a frame; returns the end of the subscription if the frame ends it. */
  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined
  /** It ended with an error. */
  failed(error: unknown): void
  /** It has left the shared stream, and continues from this position in single mode. */
  single(lastEventId: string | undefined): void
}
