import { TRPCError } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'

/** The refusal of what exceeds a limit. */
export class OverLimitError extends TRPCError {
  /** The name of the limit: an option of the link, or the name of a rate limiter. */
  readonly limit: string

  constructor(limit: string, options: ConstructorParameters<typeof TRPCError>[0]) {
    super(options)
    this.limit = limit
  }
}

/** Returns the fact of a trace that names the limit which an error is about, if it is. */
export function limitFact(error: unknown): { readonly limit?: string } {
  return error instanceof OverLimitError ? { limit: error.limit } : {}
}

const limitTexts = {
  connections: {
    what: 'connections',
    scope: 'this server (connections)',
    advice: 'limits.connections raises it.',
  },
  connectionsPerKey: {
    what: 'connections',
    scope: 'one user (connectionsPerKey)',
    advice: 'limits.connectionsPerKey raises it.',
  },
  subscriptionsPerKey: {
    what: 'subscriptions',
    scope: 'one user (subscriptionsPerKey)',
    advice: 'limits.subscriptionsPerKey raises it.',
  },
  connectsPerKeyAndMinute: {
    what: 'new connections in a minute',
    scope: 'one user (connectsPerKeyAndMinute)',
    advice: 'limits.connectsPerKeyAndMinute raises it.',
  },
  connectionsPerAddress: {
    what: 'connections',
    scope: 'one address (connectionsPerAddress)',
    advice:
      'limits.connectionsPerAddress raises it; behind a proxy, trustProxy tells clients apart; connectionKey tells users apart.',
  },
} as const

/** Creates the error for a connection or subscription beyond a limit. */
export function limitReached(limit: keyof typeof limitTexts, count: number): TRPCError {
  const { what, scope, advice } = limitTexts[limit]
  const code = limit === 'connections' ? 'SERVICE_UNAVAILABLE' : 'TOO_MANY_REQUESTS'
  const message = `The limit of ${count} ${what} for ${scope} is reached. Close some, or try again later. On the server, ${advice}`
  return tooMany(limit, code, message)
}

/** Creates the error for a connection that arrives while too many others wait to be opened. */
export function tooManyWaiting(count: number): TRPCError {
  const message = `${count} connections wait to be opened, which is the limit (limits.waiting). Try again later.`
  return tooMany('waiting', 'SERVICE_UNAVAILABLE', message)
}

/** Creates the error for a body that exceeds the limit on all pending bodies together. */
export function tooManyBodyBytes(limit: number): TRPCError {
  const message = `The limit of ${limit} bytes of requests under way (limits.bodyBytes) is reached. Try again later.`
  return tooMany('bodyBytes', 'SERVICE_UNAVAILABLE', message)
}

/** Creates the error for a stream whose set changes too often. */
export function tooManyChanges(): TRPCError {
  const message =
    'The subscriptions of this stream change too often (limits.changesPerSecond). Send the newest set again after Retry-After (P67).'
  return new OverLimitError('changesPerSecond', { code: 'TOO_MANY_REQUESTS', message })
}

/** Creates the error for a request that arrives while the server is draining. */
export function drainingError(): TRPCError {
  return goingAway('This server is about to stop. Reconnect: another one answers.')
}

/** Creates the error for a request that was disconnected before its stream was open. */
export function disconnectedError(): TRPCError {
  return goingAway(
    'The connection was ended while it was opened. Reconnect: access is checked again.',
  )
}

/** Creates the error for a request whose access has ended, or is about to. */
export function expiredError(): TRPCError {
  const message = 'Your access has expired, or is about to. Sign in again, or get a new token.'
  return new TRPCError({ code: 'UNAUTHORIZED', message })
}

/** Whether an error is a temporary refusal of a connection. */
export function isRefusal(error: TRPCError): boolean {
  const { cause } = error
  return mayReturnSoon(error) || (isRealtimeError(cause) && cause.code === 'TOO_MANY_CONNECTIONS')
}

/** Whether the client may reconnect soon, because it needn't wait until other clients leave. */
export function mayReturnSoon({ cause }: TRPCError): boolean {
  return isRealtimeError(cause) && cause.code === 'DRAINING'
}

function goingAway(message: string): TRPCError {
  const cause = new RealtimeError('DRAINING', message)
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message, cause })
}

function tooMany(
  limit: string,
  code: 'TOO_MANY_REQUESTS' | 'SERVICE_UNAVAILABLE',
  message: string,
): TRPCError {
  const cause = new RealtimeError('TOO_MANY_CONNECTIONS', message)
  return new OverLimitError(limit, { code, message, cause })
}
