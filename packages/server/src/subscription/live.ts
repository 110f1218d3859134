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
 * Loads the state that a live subscription starts with. Return the data. If you know the event up
 * to which the data is current, return `tracked(lastEventId, data)`: then the events after that one
 * follow. A tracked snapshot that is returned to many subscriptions is encoded once for all of
 * them.
 */
export type LoadSnapshot<TLoaded> = (options: LoadSnapshotOptions) => TLoaded | PromiseLike<TLoaded>

/** The data of what a {@link LoadSnapshot} returns. */
export type SnapshotData<TLoaded> = TLoaded extends TrackedEnvelope<infer TData> ? TData : TLoaded

/**
 * The position of a live subscription before its first snapshot; a resume from it loads one. It
 * can't be an event id: a client at the snapshot's id already has the snapshot.
 */
export const beforeSnapshot = 'snapshot'
