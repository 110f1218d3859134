import type { TrackedEnvelope } from '@trpc/server'
import type { EventId } from '@trpc-sse/protocol'

/** An item of a live subscription: a snapshot of the state, or an event that follows it. */
export type LiveEvent<TSnapshot, TEvent> =
  | { readonly type: 'snapshot'; readonly data: TSnapshot }
  | { readonly type: 'event'; readonly data: TEvent }

/** The argument of a {@link LoadSnapshot}. */
export interface LoadSnapshotOptions {
  /** Aborts when this snapshot is no longer needed. */
  readonly signal: AbortSignal
  /** The channel's last id before the load began. Events after it follow the snapshot. */
  readonly lastEventId: EventId
}

/**
 * Loads the state that a live subscription starts with, and returns the data. If you know which
 * event the data is current up to, return `tracked(lastEventId, data)`: the events after that one
 * follow. A tracked snapshot that is returned to many subscriptions is encoded only once.
 */
export type LoadSnapshot<TLoaded> = (options: LoadSnapshotOptions) => TLoaded | PromiseLike<TLoaded>

/** The type of the data that a {@link LoadSnapshot} returns, tracked or not. */
export type SnapshotData<TLoaded> = TLoaded extends TrackedEnvelope<infer TData> ? TData : TLoaded

/**
 * The position of a live subscription before its first snapshot. A resume from here loads one. It
 * isn't an event id, because a client at an event id already has a snapshot.
 */
export const beforeSnapshot = 'snapshot'
