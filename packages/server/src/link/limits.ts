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
}

/** A place taken under the limits. */
export interface Place {
  /** Takes the place under a key too. Throws as `take` does. Does nothing after `release`. */
  setKey(key: string): void
  /** Gives the place back. Calling it twice is harmless. */
  release(): void
}

/** Counts connections against their limits. */
export interface Limiter {
  readonly taken: number
  /** Takes a place. Throws SERVICE_UNAVAILABLE if there is none in all, TOO_MANY_REQUESTS if there is none for a key. */
  take(): Place
}

/** Creates a counter of connections. */
export function createLimiter(limits: Omit<ConnectionLimits, 'subscriptionsPerConnection'>): Limiter {
  const perKey = new Map<string, number>()
  let taken = 0

  function takeKey(key: string): void {
    const count = perKey.get(key) ?? 0
    if (count >= limits.connectionsPerKey) {
      throw refusal('TOO_MANY_REQUESTS', 'connectionsPerKey', limits.connectionsPerKey)
    }
    perKey.set(key, count + 1)
  }

  function releaseKey(key: string): void {
    const count = (perKey.get(key) ?? 1) - 1
    if (count > 0) perKey.set(key, count)
    else perKey.delete(key)
  }

  return {
    get taken() {
      return taken
    },
    take() {
      if (taken >= limits.connections) throw refusal('SERVICE_UNAVAILABLE', 'connections', limits.connections)
      taken += 1
      let key: string | undefined
      let released = false
      return {
        setKey(next) {
          // Who has left while it was found out whose the connection is holds nothing.
          if (released) return
          takeKey(next)
          key = next
        },
        release() {
          if (released) return
          released = true
          taken -= 1
          if (key !== undefined) releaseKey(key)
        },
      }
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
