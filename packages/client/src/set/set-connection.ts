import type { Clock } from '@trpc-sse/protocol'
import type { ModeConnection } from '../stream/stream.ts'
import type { RequestOptions } from '../transport/attempt.ts'
import { writeSingleRequest } from '../wire/request.ts'
import type { SharedSubscription } from './shared-subscription.ts'

/** What a connection of a set needs, and what it reports. */
export interface SetConnectionOptions extends RequestOptions {
  readonly clock: Clock
  /** How long a control request may take, and then what it has asked for, in milliseconds. */
  readonly connectTimeoutMs: number
  readonly wanted: () => ReadonlySet<SharedSubscription>
  /** The connection is open, or something has started on it. */
  readonly onStarted: () => void
  readonly onLost: (connection: SetConnection, error: unknown) => void
  /** It can't be relied on to have the set. Called once, until {@link SetConnection.resume}. */
  readonly onFailed: () => void
}

/** One connection of a set, and what was asked of it. */
export interface SetConnection extends ModeConnection {
  /** Whether it is open, and follows changes of the set. */
  isInControl(): boolean
  /** What is wanted may have changed. */
  changed(): void
  /** Returns the key that the request has for a subscription. */
  keyOf(subscription: SharedSubscription): string | undefined
  /** Forgets a subscription that the server has ended. */
  forget(subscription: SharedSubscription): void
  /** It goes on, in spite of what failed. */
  resume(): void
  /** Follows no more changes: there is a newer connection. */
  retire(): void
}

/** Creates a connection in single mode, whose set is the one subscription that it was opened for. */
export function createSingleConnection(options: SetConnectionOptions): SetConnection {
  const connection: SetConnection = {
    write(endpoint) {
      const [subscription] = options.wanted()
      if (!subscription) throw new Error('Nothing is wanted.')
      subscription.handover.requested(connection)
      const lastEventId = subscription.handover.lastEventId()
      return writeSingleRequest(endpoint, { ...subscription.call, lastEventId })
    },
    receive(frame) {
      const [subscription] = options.wanted()
      const hasMoved = subscription?.handover.receive(frame, connection) ?? false
      if (frame.type === 'started') options.onStarted()
      return hasMoved
    },
    lost: (error) => options.onLost(connection, error),
    isInControl: () => true,
    keyOf: () => undefined,
    opened() {},
    changed() {},
    forget() {},
    resume() {},
    retire() {},
  }
  return connection
}
