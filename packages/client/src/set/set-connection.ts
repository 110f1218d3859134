import type { Clock } from '@trpc-sse/protocol'
import type { ModeConnection } from '../stream/stream-options.ts'
import type { Fetch } from '../transport/fetch.ts'
import { type Endpoint, writeSingleRequest } from '../wire/request.ts'
import type { SharedSubscription } from './shared-subscription.ts'

/** The stream that a connection of a set belongs to. */
export interface ConnectionOwner {
  readonly options: ConnectionOptions
  /** Asks the app for the current address, headers and connection params. */
  endpoint(): Promise<Endpoint>
  /** The connection id of the stream that ended last. */
  lostId: string | undefined
  wanted(): ReadonlySet<SharedSubscription>
  /** Whether no other connection was opened after this one. */
  isNewest(connection: SetConnection): boolean
  /** The newest connection is open, or a subscription has started on it. */
  closePrevious(): void
  lost(connection: SetConnection, error: unknown): void
  /**
   * It is unknown whether a connection has the wanted set. Called once, until {@link
   * SetConnection.resume}.
   */
  handOver(): void
}

/** Options that all connections of a set share. */
export interface ConnectionOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  /**
   * The time limit of a control request, and then of the start of its subscriptions, in
   * milliseconds.
   */
  readonly connectTimeoutMs: number
}

/** One connection of a set, and the subscriptions that it was asked to run. */
export interface SetConnection extends ModeConnection {
  /** Whether it is open and follows changes of the set. */
  isInControl(): boolean
  /** The wanted subscriptions may have changed. */
  changed?(): void
  /** Returns the key of a subscription in the request. */
  keyOf?(subscription: SharedSubscription): string | undefined
  /** Forgets a subscription that the server has ended. */
  forget?(subscription: SharedSubscription): void
  /** Continues, although a handover was refused. */
  resume?(): void
  /** Stops following changes, because there is a newer connection. */
  retire?(): void
}

/** Creates a connection in single mode. Its set is the one subscription that it was opened for. */
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
