import { networkOf } from '../request/address.ts'
import type { ConnectionLimits } from './limits.ts'
import { limitReached } from './refusals.ts'

/** The limits that {@link Limiter} enforces. */
export type CountedLimits = Pick<
  ConnectionLimits,
  'connections' | 'connectionsPerKey' | 'connectionsPerAddress'
>

/** The counts for one key or address. */
export interface Tally {
  readonly name: string
  /** The number of pending requests. */
  requests: number
  /** The number of streams. */
  connections: number
  /** The number of bytes in bodies of pending requests. */
  bodyBytes: number
}

/** The part of a connection that is counted. Only {@link Limiter} changes these properties. */
export interface SlotHolder {
  /** Counts the request, while it is pending. */
  requestTally: Tally | undefined
  /** Counts the stream. */
  connectionTally: Tally | undefined
  /** Whether the connection has one of the slots for all connections. */
  hasSlot: boolean
  /** Whether the client was asked to open another stream, which takes the place of this one. */
  isReplaced: boolean
}

/** For a sender without a known address, all limits apply except the one per address. */
const unknownAddress = ''

// With a prefix, a key never has the same name as an address.
const addressPrefix = 'address '
const keyPrefix = 'key '

/** Counts requests and connections against their limits. */
export class Limiter {
  readonly #limits: CountedLimits
  readonly #tallies = new Map<string, Tally>()
  #requests = 0
  #connections = 0

  constructor(limits: CountedLimits) {
    this.#limits = limits
  }

  /** Counts a request. Throws if too many are pending, in total or from its address. */
  addRequest(holder: SlotHolder, address: string | undefined): void {
    const { connections } = this.#limits
    if (this.#requests >= connections) throw limitReached('connections', connections)
    const name = address === undefined ? unknownAddress : addressPrefix + networkOf(address)
    const tally = this.#tallyOf(name)
    this.#mustHaveRoom(tally, tally.requests)
    holder.requestTally = tally
    this.#requests += 1
    tally.requests += 1
  }

  /** Gives a connection a slot. Throws SERVICE_UNAVAILABLE if there is none. */
  takeSlot(holder: SlotHolder): void {
    const { connections } = this.#limits
    if (this.#connections >= connections) throw limitReached('connections', connections)
    holder.hasSlot = true
    this.#connections += 1
  }

  /**
   * Counts a connection for a key, or without a key for the address of its request. Throws
   * TOO_MANY_REQUESTS if the key or address has too many connections.
   */
  addConnection(holder: SlotHolder, key: string | undefined): void {
    const tally = key === undefined ? holder.requestTally : this.#tallyOf(keyPrefix + key)
    if (tally === undefined) return
    this.#mustHaveRoom(tally, tally.connections)
    holder.connectionTally = tally
    tally.connections += 1
  }

  /** Stops counting a request whose connection is open. */
  endRequest(holder: SlotHolder): void {
    const tally = holder.requestTally
    if (tally === undefined) return
    holder.requestTally = undefined
    this.#requests -= 1
    tally.requests -= 1
    this.#forgetEmpty(tally)
  }

  /**
   * Stops counting a connection for its key or address, as its client opens another one in its
   * place. Until `release`, it still has its slot.
   */
  replace(holder: SlotHolder): void {
    const tally = holder.connectionTally
    if (tally === undefined || holder.isReplaced) return
    holder.isReplaced = true
    tally.connections -= 1
    this.#forgetEmpty(tally)
  }

  /** Stops counting a connection, and its request. */
  release(holder: SlotHolder): void {
    this.endRequest(holder)
    if (holder.hasSlot) this.#connections -= 1
    holder.hasSlot = false
    this.replace(holder)
    holder.connectionTally = undefined
  }

  #tallyOf(name: string): Tally {
    const known = this.#tallies.get(name)
    if (known) return known
    const tally = { name, requests: 0, connections: 0, bodyBytes: 0 }
    this.#tallies.set(name, tally)
    return tally
  }

  #forgetEmpty({ name, requests, connections }: Tally): void {
    if (requests === 0 && connections === 0) this.#tallies.delete(name)
  }

  #mustHaveRoom({ name }: Tally, count: number): void {
    if (name === unknownAddress) return
    const limit = name.startsWith(keyPrefix) ? 'connectionsPerKey' : 'connectionsPerAddress'
    const most = this.#limits[limit]
    if (count >= most) throw limitReached(limit, most)
  }
}

/** Returns the address that a tally counts for; `undefined` if it counts for a key. */
export function addressOf(tally: Tally | undefined): string | undefined {
  return tally?.name.startsWith(addressPrefix) ? tally.name.slice(addressPrefix.length) : undefined
}
