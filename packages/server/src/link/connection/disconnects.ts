import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../../user-code/calls.ts'

/** A connection that is open: `connections()` lists it, and `disconnect` filters by it. */
export interface ConnectionInfo {
  /** Its owner, as `connectionKey` tells; `undefined` if that tells none. */
  readonly key: string | undefined
  /**
   * The client's address where `key` is `undefined`: for IPv6, the network (/64). `undefined` if it
   * isn't known.
   */
  readonly address: string | undefined
  /** The paths of its subscriptions, dotted. */
  readonly paths: readonly string[]
  /** What `createContext` made. */
  readonly ctx: unknown
  /** When it was opened. */
  readonly openedAt: Date
  /** How many bytes wait in this process because the client doesn't read as fast as they come. */
  readonly bytesWaiting: number
}

/** Tells which connections to disconnect. */
export type DisconnectFilter = (info: ConnectionInfo) => boolean

/** Tells which connections to disconnect: those that match everything that is given. */
export interface DisconnectTarget {
  /** Their owner, as `connectionKey` tells. */
  readonly key?: string | undefined
  /** The path of one of their subscriptions, dotted. */
  readonly path?: string | undefined
}

/** Makes the filter for a target. Throws `INVALID_OPTION` for one with neither a key nor a path. */
export function disconnectFilter(target: DisconnectTarget | DisconnectFilter): DisconnectFilter {
  if (typeof target === 'function')
    return (info) => mustBeValue(target(info), 'The function given to disconnect()')
  const { key, path } = target
  if (key === undefined && path === undefined) {
    const message =
      'disconnect() without a key and a path would end all connections. Give one, or `() => true` if you mean all.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
  return (info) =>
    (key === undefined || info.key === key) && (path === undefined || info.paths.includes(path))
}

/**
 * How many filters are kept. A context that takes longer than so many disconnects counts as
 * disconnected.
 */
const maxFilters = 1_000

/**
 * Remembers disconnects for requests whose context is being made: these are in no list yet. It
 * remembers none while there are no such requests.
 */
export class Disconnects {
  #filters: DisconnectFilter[] = []
  /** How many filters were dropped before those that are kept. */
  #dropped = 0
  #pending = 0

  /** Begins a request. Call it before its context is made. */
  begin(): PendingOwner {
    this.#pending += 1
    return new PendingOwner(this, this.#dropped + this.#filters.length)
  }

  /** Ends a request. */
  end(): void {
    this.#pending -= 1
    if (this.#pending > 0) return
    this.#dropped += this.#filters.length
    this.#filters = []
  }

  /** Remembers a disconnect. */
  record(filter: DisconnectFilter): void {
    if (this.#pending === 0) return
    this.#filters.push(filter)
    if (this.#filters.length <= maxFilters) return
    this.#filters.shift()
    this.#dropped += 1
  }

  /** Whether a disconnect after the first `since` applies to a connection. */
  applySince(since: number, info: ConnectionInfo): boolean {
    if (since < this.#dropped) return true
    return this.#filters.slice(since - this.#dropped).some((filter) => filter(info))
  }
}

/** A request whose owner isn't known yet, as its context is being made. */
export class PendingOwner {
  readonly #disconnects: Disconnects
  readonly #since: number
  #hasEnded = false

  constructor(disconnects: Disconnects, since: number) {
    this.#disconnects = disconnects
    this.#since = since
  }

  /** Whether the connection was disconnected since the request began. */
  wasDisconnected(info: ConnectionInfo): boolean {
    return this.#disconnects.applySince(this.#since, info)
  }

  /** Ends it: the owner is known. Ending it twice is harmless. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#disconnects.end()
  }
}
