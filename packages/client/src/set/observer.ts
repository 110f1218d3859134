import type { GapData } from '@trpc-sse/protocol'
import type { StreamEvent } from '../stream/state.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** What a subscription reports. */
export interface SubscriptionObserver {
  /** No connection runs it, and one is on its way; the error says why, `undefined` if nothing failed. */
  connecting(error: unknown): void
  /** It runs, from this position on if it has one; `live` is what the server says of its values, if it does. */
  started(lastEventId: string | undefined, live: boolean | undefined): void
  /** An event, with its id if it is a tracked one. */
  event(data: unknown, id: string | undefined): void
  /** Events after a position are no longer available; what follows is contiguous again. */
  gap(gap: GapData): void
  /** It is complete. */
  stopped(): void
  /** It ended with an error. */
  failed(error: unknown): void
}

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

/** One of the app's subscriptions. What its handlers throw is thrown on. */
export interface Member extends Pick<SubscriptionObserver, 'connecting' | 'started' | 'failed'> {
  /** Takes a frame; returns whether the subscription is over by that. */
  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined
  /** Takes it off the shared stream: from this position it goes on in single mode. */
  single(lastEventId: string | undefined): void
}

/** Creates the member of an observer: frames are read with the codec. */
export function createMember(
  observer: SubscriptionObserver,
  codec: Codec,
  single: Member['single'],
): Member {
  return {
    connecting: (error) => observer.connecting(error),
    started: (lastEventId, live) => observer.started(lastEventId, live),
    failed: (error) => observer.failed(error),
    single,
    receive(frame) {
      if (frame.type === 'event')
        observer.event(codec.event(JSON.parse(frame.data)), frame.id || undefined)
      else if (frame.type === 'gap') observer.gap(frame)
      else if (frame.type === 'error') return codec.error(frame.error)
      else if (frame.type === 'stopped') {
        observer.stopped()
        return { type: 'end' }
      }
      return undefined
    },
  }
}
