import type { GapData } from '@trpc-sse/protocol'
import type { StreamEvent } from '../stream/state.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** What a subscription tells. */
export interface SubscriptionObserver {
  /** It runs on no stream, and a new one is on its way; the error says why, `undefined` if nothing failed. */
  connecting(error: unknown): void
  /** It runs, from this position on if it has one; `live` is what the server says of its values, if it does. */
  started(lastEventId: string | undefined, live: boolean | undefined): void
  /** An event; with its id if it is a tracked one. */
  event(data: unknown, id: string | undefined): void
  /** Events after a position can't be had; what follows is contiguous again. */
  gap(gap: GapData): void
  /** It is complete. */
  stopped(): void
  /** It ended with an error. */
  failed(error: unknown): void
}

/** Reads what the server serialized. */
export interface Codec {
  /** Serializes as the server does. */
  serialize(value: unknown): unknown
  /** Gives an event its value. Throws if it can't be read. */
  event(serialized: unknown): unknown
  /** Says what an error means; one that can't be read is final. */
  error(serialized: unknown): SubscriptionEnd
}

/** What a frame can mean: that the subscription is over, for now or for good. */
export type SubscriptionEnd = Extract<StreamEvent, { readonly type: 'lost' | 'end' }>

/**
 * Tells a frame of a subscription, and says what it means for a stream that serves only this one. What its app's
 * handlers throw gets out.
 */
export function tellFrame(
  frame: SubscriptionFrame,
  observer: SubscriptionObserver,
  codec: Codec,
): SubscriptionEnd | undefined {
  if (frame.type === 'event')
    observer.event(codec.event(JSON.parse(frame.data)), frame.id || undefined)
  else if (frame.type === 'gap') observer.gap(frame)
  else if (frame.type === 'error') return codec.error(frame.error)
  else if (frame.type === 'stopped') {
    observer.stopped()
    return { type: 'end' }
  }
  return undefined
}
