import type { TRPCError } from '@trpc/server'
import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { KeyHold } from '../connection/key-hold.ts'
import { limitReached } from '../connection/refusals.ts'
import type { FleetKey, Grant } from './fleet-key.ts'
import type { FleetUsage } from './fleet-usage.ts'
import type { KeyLimitsSettings } from './plan.ts'
import { RecentCounts } from './recent-counts.ts'

/** The parts of {@link KeyLimits}. */
export interface KeyLimitsOptions {
  readonly clock: Clock
  readonly limits: KeyLimitsSettings
  /** Counts over the fleet; `undefined` if the limits apply to each process. */
  readonly fleet: FleetUsage | undefined
}

/** The part of a connection that opens with a key. */
export interface OpeningConnection {
  readonly isClosed: boolean
  keyHold: KeyHold | undefined
}

/**
 * Counts the subscriptions and the connects of keys against their limits, in this process or over
 * the fleet. Over the fleet, it counts connections too.
 */
export class KeyLimits {
  readonly #options: KeyLimitsOptions
  readonly #connects: RecentCounts
  /** The number of subscriptions by key. */
  readonly #subscriptions = new Map<string, number>()

  constructor(options: KeyLimitsOptions) {
    this.#options = options
    this.#connects = new RecentCounts(elapsedTime(options.clock))
  }

  /** Whether the limits apply to the fleet. */
  get areOfFleet(): boolean {
    return this.#options.fleet !== undefined
  }

  /**
   * Counts a connection of a key with so many subscriptions. Returns a promise if the limits apply
   * to the fleet. Throws or rejects with TOO_MANY_REQUESTS if there is no room.
   */
  open(
    connection: OpeningConnection,
    key: string,
    subscriptions: number,
  ): Promise<void> | undefined {
    if (this.#options.fleet)
      return this.#openInFleet(this.#options.fleet, connection, key, subscriptions)
    this.#mustBeRare(key)
    this.#connects.add(key)
    connection.keyHold = new Hold(this, key)
    return undefined
  }

  async #openInFleet(
    fleet: FleetUsage,
    connection: OpeningConnection,
    name: string,
    subscriptions: number,
  ): Promise<void> {
    const { limits } = this.#options
    const request = { connections: 1 as const, subscriptions }
    const isWanted = (): boolean => !connection.isClosed
    const { key, grant } = await fleet.acquire(name, request, isWanted)
    if (grant === 'full') throw limitReached('connectionsPerKey', limits.connectionsPerKey)
    if (grant === 'tooOften') throw this.#tooOften()
    const granted = grantedSubscriptions(grant, subscriptions)
    const hold = new Hold(this, name, { key, granted })
    connection.keyHold = hold
    // The client has left in the meantime, so nobody else releases it.
    if (connection.isClosed) hold.release()
    else if (grant === 'away') this.#mustBeRare(name)
    this.#connects.add(name)
  }

  /** Creates the error for a subscription beyond the limit. */
  tooManySubscriptions(): TRPCError {
    return limitReached('subscriptionsPerKey', this.#options.limits.subscriptionsPerKey)
  }

  /** Counts a subscription of this process. Returns whether there was room. */
  add(key: string): boolean {
    const count = this.#subscriptions.get(key) ?? 0
    if (count >= this.#options.limits.subscriptionsPerKey) return false
    this.#subscriptions.set(key, count + 1)
    return true
  }

  remove(key: string, count: number): void {
    const left = (this.#subscriptions.get(key) ?? 0) - count
    if (left > 0) this.#subscriptions.set(key, left)
    else this.#subscriptions.delete(key)
  }

  #mustBeRare(key: string): void {
    const { connectsPerKeyAndMinute } = this.#options.limits
    if (this.#connects.count(key) >= connectsPerKeyAndMinute) throw this.#tooOften()
  }

  #tooOften(): TRPCError {
    return limitReached('connectsPerKeyAndMinute', this.#options.limits.connectsPerKeyAndMinute)
  }
}

/** The part of a hold that counts over the fleet. */
interface FleetHold {
  readonly key: FleetKey
  /** The number of subscriptions that were granted together with the connection. */
  readonly granted: number
}

/** What a connection holds of its key's limits. There is one for each connection with a key. */
class Hold implements KeyHold {
  readonly #limits: KeyLimits
  readonly #name: string
  readonly #fleet: FleetKey | undefined
  /** The subscriptions that are counted over the fleet. */
  #granted: number
  /** Of these, the ones that haven't started yet. */
  #unused: number
  /** The subscriptions that are counted in this process. */
  #counted = 0
  /** The subscriptions that were refused, and haven't left yet. */
  #refused = 0
  #isReleased = false

  constructor(limits: KeyLimits, name: string, fleet?: FleetHold) {
    this.#limits = limits
    this.#name = name
    this.#fleet = fleet?.key
    this.#granted = fleet?.granted ?? 0
    this.#unused = this.#granted
  }

  enter(): boolean | Promise<boolean> {
    if (this.#isReleased) return true
    if (this.#fleet === undefined) return this.#countHere()
    if (this.#unused === 0) return this.#acquire(this.#fleet)
    this.#unused -= 1
    return this.#countHere()
  }

  leave(): void {
    if (this.#isReleased) return
    if (this.#refused > 0) {
      this.#refused -= 1
      return
    }
    this.#counted -= 1
    this.#limits.remove(this.#name, 1)
    this.#giveBack()
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#limits.remove(this.#name, this.#counted)
    this.#fleet?.release({ connections: 1, subscriptions: this.#granted })
  }

  async #acquire(key: FleetKey): Promise<boolean> {
    const request = { connections: 0 as const, subscriptions: 1 }
    const grant = await key.acquire(request, () => !this.#isReleased)
    const granted = grantedSubscriptions(grant, 1)
    if (this.#isReleased) {
      if (granted > 0) key.release({ connections: 0, subscriptions: granted })
      return true
    }
    this.#granted += granted
    if (granted > 0) return this.#countHere()
    this.#refused += 1
    return false
  }

  #countHere(): boolean {
    const hasRoom = this.#limits.add(this.#name)
    if (hasRoom) this.#counted += 1
    else this.#refused += 1
    this.#giveBack()
    return hasRoom
  }

  /** Gives back subscriptions that neither run nor are about to start. */
  #giveBack(): void {
    const spare = this.#granted - this.#unused - this.#counted
    if (spare <= 0) return
    this.#granted -= spare
    this.#fleet?.release({ connections: 0, subscriptions: spare })
  }
}

function grantedSubscriptions(grant: Grant, requested: number): number {
  if (grant === 'away') return requested
  return grant === 'full' || grant === 'tooOften' ? 0 : grant.subscriptions
}
