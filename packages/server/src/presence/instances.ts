import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { within } from '../user-code/within.ts'

/** The duration of a lease, in milliseconds. */
const leaseMs = 8_000
/** The time between two heartbeats, in milliseconds, plus or minus a quarter. */
const heartbeatMs = 2_000

/** The log with the leases of all instances. Each lease is an entry. */
export const instancesLog: ChannelLog = {
  key: '~instances',
  retain: { events: 1, forMs: 60_000 },
  entries: { checkMs: leaseMs },
}

/** What needs the leases of instances: presence, and limits over the fleet. */
export interface InstancesUser {
  /** Whether this process holds something that must end with it, and so needs a lease. */
  holds(): boolean
  /** Whether this process needs to know which instances are dead. */
  watches(): boolean
  /** Called after each successful heartbeat. */
  onHeartbeat(): void
  /** Called after each failed heartbeat. */
  onFailure(error: unknown): void
  /** Called when this process has got a new id because it had lost its lease. */
  onNewId(): void
  /** Called with the ids of instances whose leases have ended. */
  onDead(dead: ReadonlySet<string>): void
}

/** The parts of {@link Instances}. */
export interface InstancesOptions {
  readonly backend: EntriesBackend
  readonly clock: Clock
}

/**
 * Keeps the lease of this process, and detects when the leases of other processes end. A heartbeat
 * is two scripts, regardless of what the process holds.
 *
 * After an outage of the store, the leases of all instances have ended, and they get new ones. So
 * after a failed heartbeat or the loss of its own lease, an instance declares no other one dead for
 * the duration of a lease.
 */
export class Instances {
  readonly #options: InstancesOptions
  readonly #elapsedMs: () => number
  readonly #users = new Set<InstancesUser>()
  /** Ids of instances that had a lease, or that an entry names. */
  readonly #known = new Set<string>()
  #id: string | undefined
  /** The time at which the lease was last renewed, as this process knows it. */
  #renewedAtMs = 0
  #registering: Promise<string> | undefined
  #trustsAbsenceAtMs: number
  #cancelHeartbeat: (() => void) | undefined
  #isClosed = false

  constructor(options: InstancesOptions) {
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
    this.#trustsAbsenceAtMs = leaseMs
  }

  /** Adds a user, and starts the heartbeats, unless they are running. */
  add(user: InstancesUser): void {
    this.#users.add(user)
    if (this.#cancelHeartbeat || this.#isClosed) return
    this.#distrust()
    this.#schedule()
  }

  /** Removes a user that needs nothing any more. */
  delete(user: InstancesUser): void {
    this.#users.delete(user)
  }

  /** Records an instance that an entry names. If it has no lease, it is reported as dead. */
  see(id: string): void {
    this.#known.add(id)
  }

  /** Resolves to the id of this instance once it has a lease. Rejects if the backend fails. */
  register(): Promise<string> {
    // A process that was frozen, or couldn't reach the store, is taken for dead by others.
    const isOver = this.#elapsedMs() - this.#renewedAtMs >= leaseMs
    return this.#id === undefined || isOver ? this.#takeLease() : Promise.resolve(this.#id)
  }

  /**
   * Stops the heartbeats. The lease lasts for `graceMs`, so that clients can reconnect elsewhere.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    this.#cancelHeartbeat?.()
    const id = this.#id
    if (id === undefined) return
    const { backend } = this.#options
    // The lease ends by itself if this fails.
    await backend
      .change(instancesLog, { when: [alive(id)], set: [leaseOf(id, graceMs)] })
      .catch(() => {})
  }

  #schedule(): void {
    const { clock } = this.#options
    const delayMs = heartbeatMs * (0.75 + clock.random() / 2)
    this.#cancelHeartbeat = clock.after(delayMs, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    try {
      await within(this.#options.clock, leaseMs, this.#renewAndWatch())
      for (const user of this.#users) user.onHeartbeat()
    } catch (error) {
      this.#distrust()
      if (!this.#isClosed) for (const user of this.#users) user.onFailure(error)
    }
    this.#cancelHeartbeat = undefined
    if (this.#isClosed) return
    if (this.#some((user) => user.holds() || user.watches())) this.#schedule()
  }

  async #renewAndWatch(): Promise<void> {
    if (this.#some((user) => user.holds())) await this.#renew()
    // The lease ends, so whatever is held next needs another one.
    else this.#id = undefined
    if (this.#some((user) => user.watches())) await this.#findDead()
  }

  async #renew(): Promise<void> {
    const id = await this.register()
    const renewedAtMs = this.#elapsedMs()
    const { outcome } = await this.#options.backend.change(instancesLog, {
      when: [alive(id)],
      set: [leaseOf(id, leaseMs)],
    })
    if (outcome === 'changed') this.#renewedAtMs = renewedAtMs
    else await this.#takeLease()
  }

  /** Takes a lease under a new id. If there was another one, it has ended. */
  #takeLease(): Promise<string> {
    this.#registering ??= within(this.#options.clock, leaseMs, this.#storeLease()).finally(() => {
      this.#registering = undefined
    })
    return this.#registering
  }

  async #storeLease(): Promise<string> {
    const { backend, clock } = this.#options
    const hadLease = this.#id !== undefined
    if (hadLease) this.#distrust()
    const id = Array.from({ length: 3 }, () =>
      Math.floor(clock.random() * 2 ** 32).toString(36),
    ).join('.')
    const takenAtMs = this.#elapsedMs()
    await backend.change(instancesLog, { set: [leaseOf(id, leaseMs)] })
    this.#id = id
    this.#renewedAtMs = takenAtMs
    if (hadLease) for (const user of this.#users) user.onNewId()
    return id
  }

  #some(matches: (user: InstancesUser) => boolean): boolean {
    return [...this.#users].some(matches)
  }

  async #findDead(): Promise<void> {
    // Copied before the read: an instance that is recorded during it may have started after it.
    const known = [...this.#known]
    const living = await this.#readLiving()
    const dead = new Set(known.filter((id) => !living.has(id)))
    for (const id of living) this.#known.add(id)
    if (dead.size === 0 || this.#elapsedMs() < this.#trustsAbsenceAtMs) return
    for (const id of dead) this.#known.delete(id)
    for (const user of this.#users) user.onDead(dead)
  }

  async #readLiving(): Promise<ReadonlySet<string>> {
    const living = new Set<string>()
    let after: string | undefined
    do {
      const range = { limit: 1_000, ...(after !== undefined && { after }) }
      const page = await this.#options.backend.entries(instancesLog, range)
      for (const [id] of page.entries) living.add(id)
      after = page.next
    } while (after !== undefined)
    return living
  }

  #distrust(): void {
    this.#trustsAbsenceAtMs = this.#elapsedMs() + leaseMs
  }
}

const alive = (key: string): { key: string; is: string } => ({ key, is: 'alive' })
const leaseOf = (key: string, forMs: number): { key: string; value: string; forMs: number } => ({
  key,
  value: 'alive',
  forMs,
})
