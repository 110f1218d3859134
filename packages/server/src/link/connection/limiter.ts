import { networkOf } from '../request/address.ts'
import type { ConnectionLimits } from './limits.ts'
import { limitReached } from './refusals.ts'

/** The limits that a {@link Limiter} enforces. */
export type CountedLimits = Pick<
  ConnectionLimits,
  'connections' | 'connectionsPerKey' | 'connectionsPerAddress'
>

/** The counts for one key or address. */
export interface Tally {
  readonly name: string
  /** Requests that are under way. */
  requests: number
  /** Streams. */
  connections: number
  /** Bytes of the bodies of requests that are under way. */
  bodyBytes: number
}

/** A connection, as far as it is counted. Only the {@link Limiter} writes these. */
export interface SlotHolder {
  /** Counts its request, while that is under way. */
  requestTally: Tally | undefined
  /** Counts its stream. */
  connectionTally: Tally | undefined
  /** Whether it has a slot among all connections. */
  hasSlot: boolean
}

/** Where the sender's address isn't known, all limits apply but the one for an address. */
const unknownAddress = ''

// A key and an address never have the same name, whatever they are.
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

  /** Counts a request. Throws if too many are under way, in all or from its address. */
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

  /** Gives a connection one of all slots. Throws SERVICE_UNAVAILABLE if there is none. */
  takeSlot(holder: SlotHolder): void {
    const { connections } = this.#limits
    if (this.#connections >= connections) throw limitReached('connections', connections)
    holder.hasSlot = true
    this.#connections += 1
  }

  /**
   * Counts a connection for a key, or without one for the address of its request. Throws
   * TOO_MANY_REQUESTS if that has too many.
   */
  addConnection(holder: SlotHolder, key: string | undefined): void {
    const tally = key === undefined ? holder.requestTally : this.#tallyOf(keyPrefix + key)
    if (tally === undefined) return
    this.#mustHaveRoom(tally, tally.connections)
    holder.connectionTally = tally
    tally.connections += 1
  }

  /** Stops counting a request: its connection is open. */
  endRequest(holder: SlotHolder): void {
    const tally = holder.requestTally
    if (tally === undefined) return
    holder.requestTally = undefined
    this.#requests -= 1
    tally.requests -= 1
    this.#forgetEmpty(tally)
  }

  /** Stops counting a connection, and its request. */
  release(holder: SlotHolder): void {
    this.endRequest(holder)
    if (holder.hasSlot) this.#connections -= 1
    holder.hasSlot = false
    const tally = holder.connectionTally
    if (tally === undefined) return
    holder.connectionTally = undefined
    tally.connections -= 1
    this.#forgetEmpty(tally)
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

/** The address that a tally counts for, if it counts for one. */
export function addressOf(tally: Tally | undefined): string | undefined {
  return tally?.name.startsWith(addressPrefix) ? tally.name.slice(addressPrefix.length) : undefined
}
