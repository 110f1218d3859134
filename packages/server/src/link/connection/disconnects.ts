import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../../user-code/calls.ts'

/** An open connection, as `connections()` lists it and `disconnect` filters it. */
export interface ConnectionInfo {
  /** The owner that `connectionKey` returned; `undefined` if there is none. */
  readonly key: string | undefined
  /**
   * The client's address if `key` is `undefined`. For IPv6, it is the network (/64). `undefined` if
   * the address is unknown.
   */
  readonly address: string | undefined
  /** The dot-separated paths of the subscriptions, each once. */
  readonly paths: readonly string[]
  /** The number of subscriptions; each path may have several. */
  readonly subscriptions: number
  /** The result of `createContext`. */
  readonly ctx: unknown
  /** The time at which the connection was opened. */
  readonly openedAt: Date
  /** The number of bytes that wait in this process because the client reads too slowly. */
  readonly bytesWaiting: number
}

/** Returns whether to disconnect a connection. */
export type DisconnectFilter = (info: ConnectionInfo) => boolean

/** Selects the connections to disconnect: those that match all given properties. */
export interface DisconnectTarget {
  /** The owner that `connectionKey` returned. */
  readonly key?: string | undefined
  /** The dot-separated path of a subscription on the connection. */
  readonly path?: string | undefined
}

/**
 * Creates the filter for a target. Throws `INVALID_OPTION` for a target without a key and a path,
 * or with one that isn't a string.
 */
export function disconnectFilter(target: DisconnectTarget | DisconnectFilter): DisconnectFilter {
  if (typeof target === 'function')
    return (info) => mustBeValue(target(info), 'The function given to disconnect()')
  const { key, path } = target
  for (const [name, value] of Object.entries({ key, path })) checkText(name, value)
  if (key === undefined && path === undefined) {
    const message =
      'disconnect() without a key and a path would end all connections. Give one, or `() => true` if you mean all.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
  return (info) =>
    (key === undefined || info.key === key) && (path === undefined || info.paths.includes(path))
}

/** Throws `INVALID_OPTION` for an argument of `disconnect` that is neither a string nor `undefined`. */
export function checkText(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'string') return
  // Such an order would match nothing, or other instances couldn't read it.
  const message = `disconnect() got ${value === null ? 'null' : `a value of type ${typeof value}`} as ${name}. Give a string.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * The maximum number of remembered filters. If there were more disconnects while a context was
 * created, the request counts as disconnected.
 */
const maxFilters = 1_000

/**
 * Remembers disconnects for requests whose context is being created: such requests are not in the
 * list of connections yet. Remembers nothing while there are no such requests.
 */
export class Disconnects {
  #filters: DisconnectFilter[] = []
  /** The number of filters that were dropped before the remembered ones. */
  #dropped = 0
  #pending = 0

  /**
   * Starts a request. Call this before the request's context is created. Returns how many
   * disconnects there were before.
   */
  begin(): number {
    this.#pending += 1
    return this.#count
  }

  /** Ends a request. */
  end(): void {
    this.#pending -= 1
    if (this.#pending > 0) return
    this.#dropped += this.#filters.length
    this.#filters = []
  }

  /** Records a disconnect. */
  record(filter: DisconnectFilter): void {
    if (this.#pending === 0) return
    this.#filters.push(filter)
    if (this.#filters.length <= maxFilters) return
    this.#filters.shift()
    this.#dropped += 1
  }

  /** Whether a disconnect applies to a connection, apart from the first `since` disconnects. */
  applySince(since: number, describe: () => ConnectionInfo): boolean {
    if (since < this.#dropped) return true
    if (since === this.#count) return false
    const info = describe()
    return this.#filters.slice(since - this.#dropped).some((filter) => filter(info))
  }

  get #count(): number {
    return this.#dropped + this.#filters.length
  }
}
