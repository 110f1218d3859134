import { TRPCError } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'

/** How many connections a link serves at a time. */
export interface ConnectionLimits {
  /**
   * In all.
   *
   * @default 10_000
   */
  readonly connections: number
  /**
   * For one key: one user, or one address.
   *
   * @default 500
   */
  readonly connectionsPerKey: number
  /**
   * Subscriptions on one connection.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection: number
  /**
   * That wait to be opened, when many come at once: a few are opened in each turn of the event loop, so that those who
   * are there still get their events in time.
   *
   * @default 5_000
   */
  readonly waiting: number
}

/** Counts connections against their limits. */
export interface Limiter {
  /** Takes a place. Throws SERVICE_UNAVAILABLE if there is none in all. */
  take(): void
  /** Takes a place that is taken under a key too. Throws TOO_MANY_REQUESTS if there is none for it. */
  takeKey(key: string): void
  /** Gives a place back, and that under its key if it has one. */
  release(key: string | undefined): void
}

/** Creates a counter of connections. */
export function createLimiter(limits: Pick<ConnectionLimits, 'connections' | 'connectionsPerKey'>): Limiter {
  const perKey = new Map<string, number>()
  let taken = 0
  return {
    take() {
      if (taken >= limits.connections) throw refusal('SERVICE_UNAVAILABLE', 'connections', limits.connections)
      taken += 1
    },
    takeKey(key) {
      const count = perKey.get(key) ?? 0
      if (count >= limits.connectionsPerKey)
        throw refusal('TOO_MANY_REQUESTS', 'connectionsPerKey', limits.connectionsPerKey)
      perKey.set(key, count + 1)
    },
    release(key) {
      taken -= 1
      if (key === undefined) return
      const count = (perKey.get(key) ?? 1) - 1
      if (count > 0) perKey.set(key, count)
      else perKey.delete(key)
    },
  }
}

/** The error for whoever comes while the server is about to go away. */
export function drainingError(): TRPCError {
  const message = 'This server is about to go away. Reconnect: another one answers.'
  return new TRPCError({
    code: 'SERVICE_UNAVAILABLE',
    message,
    cause: new RealtimeError('DRAINING', message),
  })
}

/** The error for whoever comes while so many wait already. */
export function tooManyWaiting(count: number): TRPCError {
  const message = `So many clients have come at once that ${count} (waiting) wait for their connection. Try again later.`
  return new TRPCError({
    code: 'SERVICE_UNAVAILABLE',
    message,
    cause: new RealtimeError('TOO_MANY_CONNECTIONS', message),
  })
}

/** Whether an error says that a connection is not taken on, now. */
export function isRefusal({ cause }: TRPCError): boolean {
  return isRealtimeError(cause) && (cause.code === 'TOO_MANY_CONNECTIONS' || cause.code === 'DRAINING')
}

function refusal(
  code: 'TOO_MANY_REQUESTS' | 'SERVICE_UNAVAILABLE',
  limit: 'connections' | 'connectionsPerKey',
  count: number,
): TRPCError {
  const whose = limit === 'connections' ? 'this server' : 'one user or address'
  const message = `The limit of ${count} connections for ${whose} (${limit}) is reached. Close some, or try again later.`
  return new TRPCError({ code, message, cause: new RealtimeError('TOO_MANY_CONNECTIONS', message) })
}
