import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { FailureReport } from '../hub/report.ts'

/** The duration of a lease, in milliseconds. */
const leaseMs = 8_000
/** The time between two heartbeats, in milliseconds, plus or minus a quarter. */
const heartbeatMs = 2_000

/** The log with the leases of all instances. Each lease is an entry. */
const log: ChannelLog = {
  key: '~instances',
  retain: { events: 1, forMs: 60_000 },
  entries: { checkMs: leaseMs },
}

/** The callbacks of {@link Instances}. */
export interface InstancesUser {
  /** Whether this process holds members, and so needs a lease. */
  holds(): boolean
  /** Whether this process needs to know which instances are dead. */
  watches(): boolean
  /** Called after each successful heartbeat. */
  onHeartbeat(): void
  /** Called when this process has got a new id because it had lost its lease. */
  onNewId(): void
  /** Called with the ids of instances whose leases have ended. */
  onDead(dead: ReadonlySet<string>): void
}

/** The parts of {@link Instances}. */
export interface InstancesOptions {
  readonly backend: EntriesBackend
  readonly clock: Clock
  readonly user: InstancesUser
  report(error: unknown, stage: 'presence', log: ChannelLog): void
}

/**
 * Keeps the lease of this process, and detects when the leases of other processes end. A heartbeat
 * is two scripts, regardless of the number of members.
 *
 * After an outage of the store, the leases of all instances have ended, and they get new ones. So
 * after a failed heartbeat or the loss of its own lease, an instance declares no other one dead for
 * the duration of a lease.
 */
export class Instances {
  readonly #options: InstancesOptions
  readonly #elapsedMs: () => number
  readonly #failures: FailureReport
  /** Ids of instances that had a lease, or that an entry of a member names. */
  readonly #known = new Set<string>()
  #id: string | undefined
  #registering: Promise<string> | undefined
  #trustsAbsenceAtMs: number
  #cancelHeartbeat: (() => void) | undefined
  #isClosed = false

  constructor(options: InstancesOptions) {
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
    this.#trustsAbsenceAtMs = leaseMs
    this.#failures = new FailureReport(
      (error) => options.report(error, 'presence', log),
      'presence',
    )
  }

  /** Starts the heartbeats, unless they are running. */
  start(): void {
    if (this.#cancelHeartbeat || this.#isClosed) return
    this.#distrust()
    this.#schedule()
  }

  /** Records an instance that an entry names. If it has no lease, it is reported as dead. */
  see(id: string): void {
    this.#known.add(id)
  }

  /** Resolves to the id of this instance once it has a lease. Rejects if the backend fails. */
  register(): Promise<string> {
    if (this.#id !== undefined) return Promise.resolve(this.#id)
    this.#registering ??= this.#takeLease().finally(() => {
      this.#registering = undefined
    })
    return this.#registering
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
    await backend.change(log, { when: [alive(id)], set: [leaseOf(id, graceMs)] }).catch(() => {})
  }

  #schedule(): void {
    const { clock } = this.#options
    const delayMs = heartbeatMs * (0.75 + clock.random() / 2)
    this.#cancelHeartbeat = clock.after(delayMs, () => void this.#beat())
  }

  async #beat(): Promise<void> {
    const { user } = this.#options
    try {
      if (user.holds()) await this.#renew()
      // Its lease ends, so the next member needs another one.
      else this.#id = undefined
      if (user.watches()) await this.#findDead()
      this.#failures.succeeded()
      user.onHeartbeat()
    } catch (error) {
      this.#distrust()
      if (!this.#isClosed) this.#failures.failed(error)
    }
    this.#cancelHeartbeat = undefined
    if (this.#isClosed) return
    if (user.holds() || user.watches()) this.#schedule()
  }

  async #renew(): Promise<void> {
    const id = await this.register()
    const { outcome } = await this.#options.backend.change(log, {
      when: [alive(id)],
      set: [leaseOf(id, leaseMs)],
    })
    if (outcome === 'changed') return
    this.#id = undefined
    this.#distrust()
    await this.register()
    this.#options.user.onNewId()
  }

  async #takeLease(): Promise<string> {
    const { backend, clock } = this.#options
    const id = Array.from({ length: 3 }, () =>
      Math.floor(clock.random() * 2 ** 32).toString(36),
    ).join('.')
    await backend.change(log, { set: [leaseOf(id, leaseMs)] })
    this.#id = id
    return id
  }

  async #findDead(): Promise<void> {
    // Copied before the read: an instance that is recorded during it may have started after it.
    const known = [...this.#known]
    const living = await this.#readLiving()
    const dead = new Set(known.filter((id) => !living.has(id)))
    for (const id of living) this.#known.add(id)
    if (dead.size === 0 || this.#elapsedMs() < this.#trustsAbsenceAtMs) return
    for (const id of dead) this.#known.delete(id)
    this.#options.user.onDead(dead)
  }

  async #readLiving(): Promise<ReadonlySet<string>> {
    const living = new Set<string>()
    let after: string | undefined
    do {
      const range = { limit: 1_000, ...(after !== undefined && { after }) }
      const page = await this.#options.backend.entries(log, range)
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
