import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import { toEntriesBackend } from '../backend/entries-backend.ts'
import { channelsClosed, type HubRegistry } from '../hub/registry.ts'
import { FailureReport } from '../hub/report.ts'
import { type Instances, type InstancesUser, instancesLog } from './instances.ts'
import { parseMember } from './member.ts'
import { Room, type RoomOptions } from './room.ts'

/** The parts of {@link Rooms}. */
export interface RoomsOptions {
  readonly backend: Backend
  readonly clock: Clock
  readonly hubs: Pick<HubRegistry, 'find'>
  /** Returns the leases of instances. Throws `INVALID_OPTION` for a backend without entries. */
  instances(): Instances
  report(error: unknown, stage: 'presence', log: ChannelLog): void
}

/** A room, and the time until which this process watches it even without members. */
interface RoomSlot {
  readonly room: Room
  readonly log: ChannelLog
  watchedUntilMs: number
}

/** The time for which a room is watched after a read, in milliseconds. Longer than a lease. */
const watchMs = 20_000
/**
 * The instances sweep at random times within so many milliseconds, so that the first one does most
 * of the work.
 */
const sweepWithinMs = 1_000
/** The number of rooms that are swept at the same time. */
const sweptAtOnce = 8

/** The options of a room that are the same in every process. */
export type RoomSettings = Omit<RoomOptions, 'backend' | 'clock' | 'report' | 'instance'>

/** The rooms in which this process holds members, and the rooms that it reads. */
export class Rooms implements InstancesUser {
  readonly #options: RoomsOptions
  readonly #elapsedMs: () => number
  readonly #failures: FailureReport
  #instances: Instances | undefined
  readonly #slots = new Map<string, RoomSlot>()
  #longestGraceMs = 0
  #isClosed = false

  constructor(options: RoomsOptions) {
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
    this.#failures = new FailureReport(
      (error) => options.report(error, 'presence', instancesLog),
      'presence',
    )
  }

  /** The longest time for which members stay after their last subscription, in milliseconds. */
  get longestGraceMs(): number {
    return this.#longestGraceMs
  }

  /**
   * Returns the room of a log, and watches it for dead instances. Throws `INVALID_OPTION` for a
   * backend without entries, and `CLOSED`.
   */
  open(options: RoomSettings): Room {
    if (this.#isClosed) throw channelsClosed()
    const { log, graceMs } = options
    const slot = this.#slots.get(log.key) ?? this.#createSlot(options)
    slot.watchedUntilMs = this.#elapsedMs() + watchMs
    this.#longestGraceMs = Math.max(this.#longestGraceMs, graceMs)
    return slot.room
  }

  /** Returns the number of members that this process holds in each room. */
  *counts(): Iterable<{ readonly log: ChannelLog; readonly members: number }> {
    for (const { room, log } of this.#slots.values()) yield { log, members: room.memberCount }
  }

  /** Records the instances that an entry names. */
  see(text: string): void {
    for (const id of parseMember(text).instances) this.#instances?.see(id)
  }

  /** Ends all rooms. What isn't stored yet is rejected with `CLOSED`. */
  close(): void {
    this.#isClosed = true
    for (const { room } of this.#slots.values()) room.close()
    this.#slots.clear()
  }

  holds(): boolean {
    return this.#all().some(({ room }) => room.hasMembers)
  }

  watches(): boolean {
    return this.#slots.size > 0
  }

  onFailure(error: unknown): void {
    this.#failures.failed(error)
  }

  onHeartbeat(): void {
    this.#failures.succeeded()
    const now = this.#elapsedMs()
    for (const [key, { room, watchedUntilMs }] of this.#slots) {
      room.retry()
      if (room.hasMembers || watchedUntilMs > now || this.#options.hubs.find(key)) continue
      room.close()
      this.#slots.delete(key)
    }
  }

  onNewId(): void {
    for (const { room } of this.#all()) room.rejoin()
  }

  onDead(dead: ReadonlySet<string>): void {
    const { clock } = this.#options
    clock.after(sweepWithinMs * clock.random(), () => {
      const slots = this.#all().values()
      for (let i = 0; i < sweptAtOnce; i++) void this.#sweepAll(slots, dead)
    })
  }

  async #sweepAll(slots: Iterable<RoomSlot>, dead: ReadonlySet<string>): Promise<void> {
    for (const slot of slots) await this.#sweep(slot, dead)
  }

  async #sweep({ room, log }: RoomSlot, dead: ReadonlySet<string>): Promise<void> {
    try {
      await room.sweep(dead)
    } catch (error) {
      // The next heartbeat reports them again.
      for (const id of dead) this.#instances?.see(id)
      this.#options.report(error, 'presence', log)
    }
  }

  #createSlot(settings: RoomSettings): RoomSlot {
    const { log } = settings
    const { clock, report } = this.#options
    const backend = toEntriesBackend(this.#options.backend)
    const instances = this.#options.instances()
    this.#instances = instances
    const room = new Room({
      ...settings,
      backend,
      clock,
      instance: () => instances.register(),
      report: (error, stage) => report(error, stage, log),
    })
    const slot = { room, log, watchedUntilMs: 0 }
    this.#slots.set(log.key, slot)
    instances.add(this)
    return slot
  }

  #all(): readonly RoomSlot[] {
    return [...this.#slots.values()]
  }
}
