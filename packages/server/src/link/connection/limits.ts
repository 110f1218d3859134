import { TRPCError } from '@trpc/server'
import { isRealtimeError, RealtimeError } from '@trpc-sse/protocol'
import { networkOf } from '../request/address.ts'

/** What a link serves at a time, and what a client may cost it. */
export interface ConnectionLimits {
  /**
   * Connections in all. As many requests may be under way beside them: those that aren't streams yet, and changes of streams.
   *
   * @default 10_000
   */
  readonly connections: number
  /**
   * Connections for one key that `connectionKey` tells: for one user.
   *
   * @default 500
   */
  readonly connectionsPerKey: number
  /**
   * Connections for one address, where `connectionKey` tells no key; and requests of one address that are under way, until it is known whose
   * they are. Many people may share an address, all of an office for example. An IPv6 client is known by its network (/64).
   *
   * @default 5_000, or `connectionsPerKey` if that is given
   */
  readonly connectionsPerAddress: number
  /**
   * Subscriptions on one connection.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection: number
  /**
   * Subscriptions that changes of one stream start, per second in the long run; a change that starts none counts as one. At once may
   * start five times `subscriptionsPerConnection`. Beyond it, the client is told to wait. More than 0.
   *
   * @default 100
   */
  readonly changesPerSecond: number
  /**
   * Channels, each with its params, that the subscriptions of one connection read at a time; one that several read counts
   * for each. A subscription to more ends with SERVICE_UNAVAILABLE, which clients retry later.
   *
   * @default 1_000
   */
  readonly channelsPerConnection: number
  /**
   * Connections that wait to be opened, when many come at once: a few are opened in each turn of the event loop, so that those who
   * are there still get their events in time.
   *
   * @default 5_000
   */
  readonly waiting: number
  /**
   * Bytes of request bodies in memory, in all, until their streams are open or their answers sent. No address may have more than a quarter of them.
   *
   * @default 33_554_432
   */
  readonly bodyBytes: number
  /**
   * How long a request's body may take to arrive, in milliseconds.
   *
   * @default 10_000
   */
  readonly bodyMs: number
}

/** The limits of a link, with the defaults where none are given. */
export function limitsOf(given: Partial<ConnectionLimits> = {}): ConnectionLimits {
  return {
    connections: given.connections ?? 10_000,
    connectionsPerKey: given.connectionsPerKey ?? 500,
    connectionsPerAddress: given.connectionsPerAddress ?? given.connectionsPerKey ?? 5_000,
    subscriptionsPerConnection: given.subscriptionsPerConnection ?? 1_000,
    channelsPerConnection: given.channelsPerConnection ?? 1_000,
    changesPerSecond: given.changesPerSecond ?? 100,
    waiting: given.waiting ?? 5_000,
    bodyBytes: given.bodyBytes ?? 33_554_432,
    bodyMs: given.bodyMs ?? 10_000,
  }
}

/** The limits that are counted here. */
export type CountedLimits = Pick<
  ConnectionLimits,
  'connections' | 'connectionsPerKey' | 'connectionsPerAddress'
>

/** How many are counted under one key or address. */
export interface Tally {
  readonly name: string
  /** Requests that are under way. */
  pending: number
  /** Streams. */
  open: number
  /** Bytes of the bodies of requests that are under way. */
  bodyBytes: number
}

/** Who has a place. */
export interface PlaceHolder {
  /** Where its request is counted, while that is under way. */
  pendingAt: Tally | undefined
  /** Whether it has a place among the connections. */
  isConnection: boolean
  /** What its connection is counted under. */
  openAt: Tally | undefined
}

/** Counts requests and connections against their limits. */
export interface Limiter {
  /** Takes a place for a request that has come. Throws if too many are under way, in all or from its address. */
  enter(holder: PlaceHolder, address: string | undefined): void
  /** Takes a place among the connections. Throws SERVICE_UNAVAILABLE if there is none in all. */
  take(holder: PlaceHolder): void
  /** Counts a connection under a key; without one, under the address of its request. Throws TOO_MANY_REQUESTS if there is no place for it. */
  takeKey(holder: PlaceHolder, key: string | undefined): void
  /** The request is not under way any more: the connection is open. */
  settle(holder: PlaceHolder): void
  /** Gives all places back. */
  release(holder: PlaceHolder): void
}

/** Creates a counter of requests and connections. */
export function createLimiter(limits: CountedLimits): Limiter {
  const tallies = new Map<string, Tally>()
  let pending = 0
  let taken = 0

  function tallyOf(name: string): Tally {
    const known = tallies.get(name)
    if (known) return known
    const tally = { name, pending: 0, open: 0, bodyBytes: 0 }
    tallies.set(name, tally)
    return tally
  }

  function forget({ name, pending, open }: Tally): void {
    if (pending === 0 && open === 0) tallies.delete(name)
  }

  function settle(holder: PlaceHolder): void {
    const { pendingAt } = holder
    if (pendingAt === undefined) return
    holder.pendingAt = undefined
    pending -= 1
    pendingAt.pending -= 1
    forget(pendingAt)
  }

  return {
    enter(holder, address) {
      if (pending >= limits.connections) throw refusal('connections', limits.connections)
      const tally = tallyOf(
        address === undefined ? unknownAddress : addressPrefix + networkOf(address),
      )
      mustHaveRoom(tally, tally.pending, limits)
      holder.pendingAt = tally
      pending += 1
      tally.pending += 1
    },
    take(holder) {
      if (taken >= limits.connections) throw refusal('connections', limits.connections)
      holder.isConnection = true
      taken += 1
    },
    takeKey(holder, key) {
      const tally = key === undefined ? holder.pendingAt : tallyOf(keyPrefix + key)
      if (tally === undefined) return
      mustHaveRoom(tally, tally.open, limits)
      holder.openAt = tally
      tally.open += 1
    },
    settle,
    release(holder) {
      settle(holder)
      if (holder.isConnection) taken -= 1
      holder.isConnection = false
      const { openAt } = holder
      if (openAt === undefined) return
      holder.openAt = undefined
      openAt.open -= 1
      forget(openAt)
    },
  }
}

/** The address that a tally is of, if it is of one. */
export function addressOf(tally: Tally | undefined): string | undefined {
  return tally?.name.startsWith(addressPrefix) ? tally.name.slice(addressPrefix.length) : undefined
}

/** Where it isn't known where requests come from, all limits but the one for an address hold. */
const unknownAddress = ''

// Keys and addresses never have the same name, whatever they are.
const addressPrefix = 'address '
const keyPrefix = 'key '

function mustHaveRoom({ name }: Tally, count: number, limits: CountedLimits): void {
  if (name === unknownAddress) return
  const limit = name.startsWith(keyPrefix) ? 'connectionsPerKey' : 'connectionsPerAddress'
  if (count >= limits[limit]) throw refusal(limit, limits[limit])
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
  return overLimit(
    'SERVICE_UNAVAILABLE',
    `So many clients have come at once that ${count} (waiting) wait for their connection. Try again later.`,
  )
}

/** The error for a request that was disconnected before it had its stream. */
export function disconnectedError(): TRPCError {
  const message =
    'The connection was ended while it was opened. Reconnect: it is decided anew who may.'
  return new TRPCError({
    code: 'SERVICE_UNAVAILABLE',
    message,
    cause: new RealtimeError('DRAINING', message),
  })
}

/** The error for a stream whose set changes too often. */
export function tooManyChanges(): TRPCError {
  const message =
    'The subscriptions of this stream change too often (limits.changesPerSecond). Send the newest set again after Retry-After (P67).'
  return new TRPCError({ code: 'TOO_MANY_REQUESTS', message })
}

/** The error for a body for which there is no memory now. */
export function tooManyBodyBytes(limit: number): TRPCError {
  return overLimit(
    'SERVICE_UNAVAILABLE',
    `The limit of ${limit} bytes of requests under way (limits.bodyBytes) is reached. Try again later.`,
  )
}

/** Whether an error says that a connection is not taken on, now. */
export function isRefusal({ cause }: TRPCError): boolean {
  return (
    isRealtimeError(cause) && (cause.code === 'TOO_MANY_CONNECTIONS' || cause.code === 'DRAINING')
  )
}

const whose: Readonly<Record<keyof CountedLimits, string>> = {
  connections: 'this server (connections)',
  connectionsPerKey: 'one user (connectionsPerKey)',
  connectionsPerAddress: 'one address (connectionsPerAddress)',
}

const advice: Readonly<Record<keyof CountedLimits, string>> = {
  connections: 'limits.connections raises it.',
  connectionsPerKey: 'limits.connectionsPerKey raises it.',
  connectionsPerAddress:
    'limits.connectionsPerAddress raises it; behind a proxy, trustProxy tells clients apart; connectionKey tells users apart.',
}

/** Whether the next attempt, here or elsewhere, need not wait for anybody to leave. */
export function isForNow({ cause }: TRPCError): boolean {
  return isRealtimeError(cause) && cause.code === 'DRAINING'
}

function refusal(limit: keyof CountedLimits, count: number): TRPCError {
  const code = limit === 'connections' ? 'SERVICE_UNAVAILABLE' : 'TOO_MANY_REQUESTS'
  const message = `The limit of ${count} connections for ${whose[limit]} is reached. Close some, or try again later. On the server, ${advice[limit]}`
  return overLimit(code, message)
}

function overLimit(code: 'TOO_MANY_REQUESTS' | 'SERVICE_UNAVAILABLE', message: string): TRPCError {
  return new TRPCError({ code, message, cause: new RealtimeError('TOO_MANY_CONNECTIONS', message) })
}
