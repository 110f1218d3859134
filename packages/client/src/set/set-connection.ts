import type { Clock } from '@trpc-sse/protocol'
import type { ModeConnection } from '../stream/stream-options.ts'
import type { Fetch } from '../transport/fetch.ts'
import { type Endpoint, writeSingleRequest } from '../wire/request.ts'
import type { SharedSubscription } from './shared-subscription.ts'

/** The stream that a connection of a set belongs to. */
export interface ConnectionOwner {
  readonly options: ConnectionOptions
  /** Asks the app where requests go now. */
  endpoint(): Promise<Endpoint>
  wanted(): ReadonlySet<SharedSubscription>
  /** The newest connection is open, or something has started on it. */
  closePrevious(): void
  lost(connection: SetConnection, error: unknown): void
  /**
   * A connection can't be relied on to have the set. Called once, until {@link
   * SetConnection.resume}.
   */
  handOver(): void
}

/** What all connections of a set have in common. */
export interface ConnectionOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  /** How long a control request may take, and then what it has asked for, in milliseconds. */
  readonly connectTimeoutMs: number
}

/** One connection of a set, and what was asked of it. */
export interface SetConnection extends ModeConnection {
  /** Whether it is open, and follows changes of the set. */
  isInControl(): boolean
  /** What is wanted may have changed. */
  changed?(): void
  /** Returns the key that the request has for a subscription. */
  keyOf?(subscription: SharedSubscription): string | undefined
  /** Forgets a subscription that the server has ended. */
  forget?(subscription: SharedSubscription): void
  /** It goes on, in spite of what failed. */
  resume?(): void
  /** Follows no more changes: there is a newer connection. */
  retire?(): void
}

/**
 * Creates a connection in single mode, whose set is the one subscription that it was opened for.
 */
export function createSingleConnection(
  owner: ConnectionOwner,
  { call, handover }: SharedSubscription,
): SetConnection {
  const connection: SetConnection = {
    write(endpoint) {
      handover.requested(connection)
      return writeSingleRequest(endpoint, { ...call, lastEventId: handover.lastEventId() })
    },
    receive(frame) {
      const hasMoved = handover.receive(frame, connection)
      if (frame.type === 'started') owner.closePrevious()
      return hasMoved
    },
    lost: (error) => owner.lost(connection, error),
    isInControl: () => true,
  }
  return connection
}
