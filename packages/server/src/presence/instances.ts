import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { FailureReport } from '../hub/report.ts'

/** A lease without a renewal ends after this time, in milliseconds. */
const leaseMs = 8_000
/** The time between two heartbeats, in milliseconds, plus or minus a quarter. */
const heartbeatMs = 2_000

/** The log of all instances that have a lease: an entry for each. */
const log: ChannelLog = {
  key: '~instances',
  retain: { events: 1, forMs: 60_000 },
  entries: { checkMs: leaseMs },
}

/** A user of {@link Instances}. */
export interface InstancesUser {
  /** Whether it holds members. */
  holds(): boolean
  /** Whether it needs to know of dead instances. */
  watches(): boolean
  /** Called after each heartbeat that succeeded. */
  onHeartbeat(): void
  /** Called when this instance has got a new id: it had lost its lease. */
  onNewId(): void
  /** Called with the ids of instances that have lost their leases. */
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
 * Keeps one lease for this process, and notices when other processes lose theirs. That costs two
 * scripts for each heartbeat, whatever the number of members.
 *
 * After a failed heartbeat, or the loss of its own lease, an instance trusts no absence for the time
 * of a lease: if the store was away, everybody has lost their leases, and gets new ones.
 */
export class Instances {
  readonly #options: InstancesOptions
  readonly #elapsedMs: () => number
  readonly #failures: FailureReport
  /** Ids that were seen alive, or in the entry of a member. */
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

  /** Starts the heartbeats, unless they run. */
  start(): void {
    if (this.#cancelHeartbeat || this.#isClosed) return
    this.#distrust()
    this.#schedule()
  }

  /** Notes that an entry names an instance. */
  see(id: string): void {
    this.#known.add(id)
  }

  /** Resolves to the id of this instance, which then has a lease. Rejects if the backend fails. */
  register(): Promise<string> {
    if (this.#id !== undefined) return Promise.resolve(this.#id)
    this.#registering ??= this.#takeLease().finally(() => {
      this.#registering = undefined
    })
    return this.#registering
  }

  /** Stops the heartbeats. The lease ends when clients have had the time to reconnect elsewhere. */
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
    // An instance that is seen during the read may have started after it.
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
