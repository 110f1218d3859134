import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { channelsClosed } from '../hub/registry.ts'
import { FailureReport } from '../hub/report.ts'
import { type EditOptions, type EditResult, editEntries } from './edits.ts'
import { joining, leaving, removal, type WantedMember } from './member-edits.ts'

/** The parts of a {@link Room}. */
export interface RoomOptions extends EditOptions {
  /** The name of the channel. */
  readonly name: string
  readonly codec: Codec
  readonly clock: Clock
  /** The time for which a member stays after its last subscription, in milliseconds. */
  readonly graceMs: number
  /** Resolves to the id of this instance once it has a lease. */
  instance(): Promise<string>
  report(error: unknown, stage: 'presence'): void
}

/** A member that this instance holds or is about to release. */
interface LocalMember extends WantedMember {
  /** The number of subscriptions that hold it. */
  holds: number
  /** Whether it is held, or its grace period isn't over. */
  isWanted: boolean
  /** The last known text of its entry; `null` if there was none. */
  entry: string | null
  cancelGrace: (() => void) | undefined
  /** The callers that wait until it is stored. */
  waiting: Waiting[]
}

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

/** The time for which changes are gathered, to store them in one step, in milliseconds. */
const gatherMs = 20

/** The members of one channel that subscriptions of this process hold. */
export class Room {
  readonly #options: RoomOptions
  readonly #failures: FailureReport
  readonly #refusals: FailureReport
  readonly #members = new Map<string, LocalMember>()
  readonly #changed = new Set<LocalMember>()
  /** The members for which there was no room. */
  readonly #refused = new Set<LocalMember>()
  #cancelTimer: (() => void) | undefined
  #isStoring = false
  #isClosed = false

  constructor(options: RoomOptions) {
    this.#options = options
    const report = (error: unknown): void => options.report(error, 'presence')
    this.#failures = new FailureReport(report, 'presence')
    this.#refusals = new FailureReport(report, 'presence')
  }

  get hasMembers(): boolean {
    return this.#members.size > 0
  }

  /** The number of members that this instance holds or is about to release. */
  get memberCount(): number {
    return this.#members.size
  }

  /** Adds a hold of a member, and sets its value. Resolves when the member is stored. */
  hold(key: string, value: unknown): Promise<void> {
    const text = this.#options.codec.serialize(value)
    const known = this.#members.get(key)
    const member = known ?? newMember(key, value, text)
    this.#members.set(key, member)
    member.holds += 1
    member.isWanted = true
    member.cancelGrace?.()
    return this.#setValue(member, value, text)
  }

  /**
   * Sets the value of a member that is held. Resolves when it is stored. Rejects with `CLOSED`, as
   * `hold` does.
   */
  async update(key: string, value: unknown): Promise<void> {
    const member = this.#members.get(key)
    if (member) await this.#setValue(member, value, this.#options.codec.serialize(value))
  }

  /** Undoes one `hold`. After the last one, the member leaves at the end of the grace period. */
  release(key: string): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    member.holds -= 1
    if (member.holds > 0 || this.#isClosed) return
    member.cancelGrace = this.#options.clock.after(this.#options.graceMs, () => {
      member.isWanted = false
      this.#storeSoon(member)
    })
  }

  /** Retries to store members after a failure, or for which there was no room. */
  retry(): void {
    for (const member of this.#refused) if (member.holds > 0) this.#changed.add(member)
    this.#refused.clear()
    if (this.#changed.size > 0) this.#schedule()
    else this.#refusals.succeeded()
  }

  /** Stores all members again: the id of this instance has changed. */
  rejoin(): void {
    for (const member of this.#members.values()) this.#storeSoon(member)
  }

  /** Removes dead instances from all members. Members that no other instance holds leave. */
  async sweep(dead: ReadonlySet<string>): Promise<void> {
    const { backend, log, codec, clock } = this.#options
    let after: string | undefined
    do {
      const limit = clock.rare?.('page of one') ? 1 : 250
      const page = await backend.entries(log, { limit, ...(after !== undefined && { after }) })
      const edits = page.entries.flatMap(([key, text]) => removal({ key, text, dead, codec }) ?? [])
      if (edits.length > 0) await editEntries(this.#options, edits)
      after = page.next
    } while (after !== undefined)
  }

  /** Stores nothing more. Callers that wait are rejected with `CLOSED`. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    for (const { cancelGrace, waiting } of this.#members.values()) {
      cancelGrace?.()
      for (const { reject } of waiting.splice(0)) reject(channelsClosed())
    }
  }

  #setValue(member: LocalMember, value: unknown, text: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(channelsClosed())
    member.value = value
    member.text = text
    member.isNewValue = true
    return new Promise((resolve, reject) => {
      member.waiting.push({ resolve, reject })
      this.#storeSoon(member)
    })
  }

  #storeSoon(member: LocalMember): void {
    this.#changed.add(member)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isStoring || this.#cancelTimer || this.#isClosed) return
    this.#cancelTimer = this.#options.clock.after(gatherMs, () => {
      this.#cancelTimer = undefined
      void this.#storeChanged()
    })
  }

  async #storeChanged(): Promise<void> {
    this.#isStoring = true
    const members = [...this.#changed]
    const waiting = members.map((member) => member.waiting.splice(0))
    this.#changed.clear()
    try {
      const results = await this.#store(members)
      for (const [i, member] of members.entries()) this.#stored(member, results[i], waiting[i])
      this.#failures.succeeded()
      this.#isStoring = false
      if (this.#changed.size > 0) this.#schedule()
    } catch (error) {
      // The next heartbeat retries. Subscriptions don't wait for it.
      for (const member of members) this.#changed.add(member)
      for (const { resolve } of waiting.flat()) resolve()
      this.#isStoring = false
      this.#failures.failed(error)
    }
  }

  async #store(members: readonly LocalMember[]): Promise<readonly EditResult[]> {
    const instance = await this.#options.instance()
    const { codec } = this.#options
    const wanted = members.map((member) => ({ ...member }))
    const edits = wanted.map((member) =>
      member.isWanted ? joining(member, { instance, codec }) : leaving(member, { instance, codec }),
    )
    const results = await editEntries(this.#options, edits)
    // A value that was set in the meantime is still to be stored.
    for (const [i, member] of members.entries())
      if (member.text === wanted[i]?.text) member.isNewValue = false
    return results
  }

  #stored(
    member: LocalMember,
    result: EditResult | undefined,
    waiting: readonly Waiting[] = [],
  ): void {
    if (result === 'full') {
      this.#refused.add(member)
      for (const { reject } of waiting) reject(this.#tooMany())
      // Its subscriptions are running, so only the app can be told.
      if (waiting.length === 0 && member.holds > 0) this.#refusals.failed(this.#tooMany())
      return
    }
    member.entry = result?.text ?? null
    if (!member.isWanted && !this.#changed.has(member)) this.#members.delete(member.key)
    for (const { resolve } of waiting) resolve()
  }

  #tooMany(): RealtimeError {
    const { name, maxEntries } = this.#options
    const message = `Channel "${name}" has ${maxEntries} members, which is its limit (presence.max). Raise the limit, or use more rooms.`
    return new RealtimeError('TOO_MANY_ENTRIES', message)
  }
}

function newMember(key: string, value: unknown, text: string): LocalMember {
  return {
    key,
    value,
    text,
    isNewValue: true,
    holds: 0,
    isWanted: true,
    entry: null,
    cancelGrace: undefined,
    waiting: [],
  }
}
