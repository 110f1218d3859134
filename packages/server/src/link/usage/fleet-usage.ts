import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../../backend/backend.ts'
import type { EntriesBackend } from '../../backend/entries-backend.ts'
import type { ErrorStage } from '../../hub/report.ts'
import type { Instances, InstancesUser } from '../../presence/instances.ts'
import { sha256 } from '../request/sha256.ts'
import { backendIsAway } from './away.ts'
import { FleetKey, type Grant } from './fleet-key.ts'
import type { KeyLimitsSettings, UsageRequest } from './plan.ts'
import { holderOf } from './usage-text.ts'

/** The parts of {@link FleetUsage}. */
export interface FleetUsageOptions {
  readonly backend: EntriesBackend
  readonly clock: Clock
  readonly instances: Instances
  readonly limits: KeyLimitsSettings
  /** The number of the link among those of its process. */
  readonly link: number
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** Keys are stored as they are up to this length, and as a digest beyond it. */
const maxKeyLength = 200
/** The maximum number of keys that are stored at the same time after an outage. */
const storedAtOnce = 32
/** The number of dead instances that are remembered. */
const maxDead = 1_000

/** What keys use in the whole fleet, as far as streams of this link are concerned. */
export class FleetUsage implements InstancesUser {
  readonly #options: FleetUsageOptions
  readonly #keys = new Map<string, FleetKey>()
  /** Instances whose leases have ended. What they used is free. */
  readonly #dead = new Set<string>()
  #isAway = false
  #connects = 0

  constructor(options: FleetUsageOptions) {
    this.#options = options
  }

  /** Asks for a stream of a key with its subscriptions. Never rejects. */
  async acquire(
    name: string,
    request: UsageRequest,
    isWanted: () => boolean,
  ): Promise<{ readonly key: FleetKey; readonly grant: Grant }> {
    const digest = name.length > maxKeyLength ? await sha256(name) : undefined
    const key = this.#keyOf(digest === undefined ? `key ${name}` : `digest ${digest}`)
    return { key, grant: await key.acquire(request, isWanted) }
  }

  holds(): boolean {
    return this.#keys.size > 0
  }

  watches(): boolean {
    // While the backend is away, heartbeats find out when it is back, also without any key.
    return this.#keys.size > 0 || this.#isAway
  }

  onHeartbeat(): void {
    if (this.#isAway) {
      this.#isAway = false
      void this.#storeAll()
    }
    if (this.#keys.size === 0) this.#options.instances.delete(this)
  }

  onFailure(error: unknown): void {
    if (this.#isAway) return
    this.#isAway = true
    // The app has closed its channels.
    if (error instanceof RealtimeError && error.code === 'CLOSED') return
    this.#options.report(backendIsAway(error), 'limits', usageLog(''))
  }

  onNewId(): void {
    for (const key of this.#keys.values()) key.invalidate()
    if (!this.#isAway) void this.#storeAll()
  }

  onDead(dead: ReadonlySet<string>): void {
    for (const id of dead) this.#dead.add(id)
    for (const id of this.#dead) {
      if (this.#dead.size <= maxDead) break
      this.#dead.delete(id)
    }
    for (const key of this.#keys.values()) if (key.isWaitedFor) void key.store()
  }

  #keyOf(name: string): FleetKey {
    const known = this.#keys.get(name)
    if (known) return known
    const { instances, link } = this.#options
    const key = new FleetKey(usageLog(name), {
      ...this.#options,
      holder: async () => holderOf(await instances.register(), link),
      nextConnect: () => ++this.#connects,
      isDead: (instance) => {
        if (this.#dead.has(instance)) return true
        instances.see(instance)
        return false
      },
      isAway: () => this.#isAway,
      onFailure: (error) => this.onFailure(error),
      onIdle: () => this.#keys.delete(name),
    })
    this.#keys.set(name, key)
    instances.add(this)
    return key
  }

  /** Stores all keys that have changed, a few at a time. */
  async #storeAll(): Promise<void> {
    const keys = [...this.#keys.values()].values()
    const work = async (): Promise<void> => {
      for (const key of keys) {
        if (this.#isAway) return
        await key.store()
      }
    }
    await Promise.all(Array.from({ length: storedAtOnce }, work))
  }
}

/** Returns the log with the usage of a key. It is never a channel's log: their names can't start with `~`. */
function usageLog(name: string): ChannelLog {
  return {
    key: JSON.stringify(['~usage', name]),
    retain: { events: 1, forMs: 60_000 },
    entries: { checkMs: 60_000 },
  }
}
