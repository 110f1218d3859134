import { type GapData, RealtimeError } from '@trpc-sse/protocol'
import type { Frame } from './frames.ts'
import type { StreamEvent, StreamState } from './state.ts'

/** What a subscription tells. */
export interface SubscriptionObserver {
  /** There is no stream, and a new one is on its way; the error says why, `undefined` if nothing failed. */
  connecting(error: unknown): void
  /** The stream is open. */
  started(): void
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

/** One procedure call, wherever its stream comes from and however often that changes. */
export interface Subscription {
  /** Where it stands; `undefined` before the first position. */
  lastEventId(): string | undefined
  /** Takes a frame, and says what it means for a stream that serves only this subscription. */
  receive(frame: Frame): StreamEvent | undefined
  /** Takes a change of the stream that it is on. */
  onPhase(state: StreamState): void
}

/** Creates a subscription that stands at `lastEventId`. */
export function createSubscription(
  observer: SubscriptionObserver,
  codec: Codec,
  lastEventId: string | undefined,
): Subscription {
  let position = lastEventId

  function deliver(frame: Frame): StreamEvent | undefined {
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
        return failure(codec.error(JSON.parse(frame.data)))
      default:
        return undefined
    }
  }

  return {
    lastEventId: () => position,
    receive(frame) {
      const verdict = deliver(frame)
      // An untracked event between tracked ones carries an empty id: that is no position.
      if (frame.id) position = frame.id
      return verdict
    },
    onPhase({ phase, error }) {
      if (phase === 'open') observer.started()
      if (phase === 'waiting') observer.connecting(error)
      if (phase === 'ended' && error !== undefined) observer.failed(error)
    },
  }
}

function failure(read: ReadError | undefined): StreamEvent {
  if (read?.retryable) return { type: 'lost', error: read.error }
  const unread = "The subscription failed, and the server told why in a form that is not tRPC's."
  return { type: 'end', error: read?.error ?? new RealtimeError('INVALID_MESSAGE', unread) }
}
