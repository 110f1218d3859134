import { type GapData, RealtimeError } from '@trpc-sse/protocol'
import type { SubscriptionFrame } from './frames.ts'
import type { StreamEvent } from './state.ts'

/** What a subscription tells. */
export interface SubscriptionObserver {
  /** It runs on no stream, and a new one is on its way; the error says why, `undefined` if nothing failed. */
  connecting(error: unknown): void
  /** It runs, from this position on if it has one. */
  started(lastEventId?: string | undefined): void
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
  /** Gives an event its value. Throws if it can't be read. */
  event(serialized: unknown): unknown
  /** Makes an error of an error; `undefined` if it isn't one. Throws if it can't be read. */
  error(serialized: unknown): ReadError | undefined
}

/** A subscription's failure, as the server told it. */
export interface ReadError {
  readonly error: Error
  /** Whether it may be gone at the next attempt. */
  readonly retryable: boolean
}

/** One procedure call, wherever its frames come from. What its app's handlers throw gets out. */
export interface Subscription {
  /** Takes a frame, and says what it means for a stream that serves only this subscription. */
  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined
}

/** What a frame can mean: that it is over, for now or for good. */
export type SubscriptionEnd = Extract<StreamEvent, { readonly type: 'lost' | 'end' }>

/** Creates a subscription. */
export function createSubscription(observer: SubscriptionObserver, codec: Codec): Subscription {
  return {
    receive(frame) {
      switch (frame.type) {
        case 'event':
          observer.event(codec.event(JSON.parse(frame.data)), frame.id || undefined)
          return undefined
        case 'gap':
          observer.gap(frame.gap)
          return undefined
        case 'stopped':
          observer.stopped()
          return { type: 'end' }
        case 'error':
          return failure(codec, frame.error)
        default:
          return undefined
      }
    },
  }
}

function failure(codec: Codec, serialized: unknown): SubscriptionEnd {
  const read = readError(codec, serialized)
  if (read instanceof RealtimeError) return { type: 'end', error: read }
  return { type: read.retryable ? 'lost' : 'end', error: read.error }
}

function readError(codec: Codec, serialized: unknown): ReadError | RealtimeError {
  try {
    return codec.error(serialized) ?? unreadable()
  } catch (cause) {
    return unreadable(cause)
  }
}

function unreadable(cause?: unknown): RealtimeError {
  const message =
    "The subscription failed, but its error can't be read. The transformer is probably not the server's: give sseLink " +
    'the transformer that initTRPC.create has there, or none if it has none.'
  return new RealtimeError('INVALID_MESSAGE', message, { cause })
}
