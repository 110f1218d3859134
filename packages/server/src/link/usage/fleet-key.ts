import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { ChannelLog } from '../../backend/backend.ts'
import type { LogChange } from '../../backend/entries.ts'
import type { EntriesBackend } from '../../backend/entries-backend.ts'
import { within } from '../../user-code/within.ts'
import {
  type Decision,
  type KeyLimitsSettings,
  planUsage,
  type UsagePlan,
  type UsageRequest,
} from './plan.ts'
import { instanceOf, parseUsage, totalUsage, type Usage } from './usage-text.ts'

/** The parts that all keys of a link share. */
export interface FleetKeyOptions {
  readonly backend: EntriesBackend
  readonly clock: Clock
  readonly limits: KeyLimitsSettings
  /** Resolves to the name of this link as a holder, once its instance has a lease. */
  holder(): Promise<string>
  /** Returns a number for a connect, different for each one of this link. */
  nextConnect(): number
  /** Records the instance of a holder. Returns whether it is known to be dead. */
  isDead(instance: string): boolean
  /** Whether the backend is known to be away. */
  isAway(): boolean
  /** Called with the error of a change that failed. */
  onFailure(error: unknown): void
  /** Called when nothing of a key is held or stored here any more. */
  onIdle(key: FleetKey): void
}

/**
 * What a request gets: a number of subscriptions. `'away'` if the backend can't be asked: it is
 * counted, and only the process's own limits apply. `'full'` and `'tooOften'` if it is refused.
 */
export type Grant = { readonly subscriptions: number } | 'away' | 'full' | 'tooOften'

interface Pending extends UsageRequest {
  /** The time until which it waits for room, in elapsed milliseconds. */
  readonly untilMs: number
  /** Whether there was an answer for it, even if it was that there is no room. */
  wasAsked: boolean
  /** Whether its client is still there. */
  isWanted(): boolean
  resolve(grant: Grant): void
}

/** One attempt to store, which may still be under way after its time is over. */
interface Attempt {
  isOver: boolean
}

/**
 * The time for which a stream waits for room, in milliseconds. The stream that a reload has just
 * closed, on any instance, is gone by then.
 */
const waitMs = 2_000
/** The time between two checks for room while a stream waits, in milliseconds. */
const pollMs = 250
/** The time for which releases are gathered, in milliseconds. A reload then costs one change. */
const gatherMs = 20
/** The longest wait for the backend, in milliseconds. After that, it counts as away. */
const answerMs = 3_000
/** The maximum number of attempts, if others change the entry in the meantime. */
const maxTries = 50
/** The period of `connectsPerKeyAndMinute`, in milliseconds. */
const minuteMs = 60_000
/** The name of the entry with the usage. All other entries of the log are recent connects. */
const usageKey = 'usage'

/**
 * What one key uses in the whole fleet, and the part of it that this link holds.
 *
 * The numbers of all holders are one entry, which is changed by compare-and-set. Requests that come
 * while a change is under way are stored together by the next one, so that only instances compete
 * for the entry, and not connections.
 */
export class FleetKey {
  readonly log: ChannelLog
  readonly #options: FleetKeyOptions
  readonly #elapsedMs: () => number
  #connections = 0
  #subscriptions = 0
  #pending: Pending[] = []
  #streamsPending = 0
  /** The text of the entry, as far as it is known. A guess is enough. */
  #text: string | null = null
  /** The names under which the usage may be stored: a change that fails may store it all the same. */
  #names: ReadonlySet<string> = new Set()
  #isChanged = false
  #storing: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined

  constructor(log: ChannelLog, options: FleetKeyOptions) {
    this.log = log
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
  }

  /** Whether a stream waits for room. */
  get isWaitedFor(): boolean {
    return this.#pending.length > 0
  }

  /** Asks for a stream, or for subscriptions. Never rejects. */
  acquire(request: UsageRequest, isWanted: () => boolean): Promise<Grant> {
    if (this.#options.isAway()) return Promise.resolve(this.#take(request, 'away'))
    if (request.connections > 0 && !this.#mayWait()) return Promise.resolve('full')
    this.#streamsPending += request.connections
    const untilMs = this.#elapsedMs() + waitMs
    return new Promise((resolve) => {
      this.#pending.push({ ...request, untilMs, wasAsked: false, isWanted, resolve })
      this.#schedule(0)
    })
  }

  /** Gives back what was acquired. */
  release({ connections, subscriptions }: Usage): void {
    this.#connections -= connections
    this.#subscriptions -= subscriptions
    this.#isChanged = true
    this.#schedule(gatherMs)
    if (this.#options.isAway()) this.#continue()
  }

  /** Marks the usage as not stored: the id of this instance has changed, or data was lost. */
  invalidate(): void {
    this.#isChanged = true
  }

  /** Whether one more stream may wait. More than the limit can't all get in. */
  #mayWait(): boolean {
    const { connectionsPerKey } = this.#options.limits
    if (this.#streamsPending >= connectionsPerKey) this.#dropUnwanted()
    return this.#streamsPending < connectionsPerKey
  }

  /** Stores the usage, unless it is stored, and answers requests. Never rejects. */
  store(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#storing ??= this.#storeAll().finally(() => {
      this.#storing = undefined
      this.#continue()
    })
    return this.#storing
  }

  #schedule(delayMs: number): void {
    if (this.#storing || this.#options.isAway()) return
    if (delayMs > 0)
      this.#cancelTimer ??= this.#options.clock.after(delayMs, () => void this.store())
    // The requests of one tick are stored together.
    else void Promise.resolve().then(() => this.store())
  }

  #continue(): void {
    if (this.#storing) return
    const isHeld = this.#connections > 0 || this.#subscriptions > 0
    const hasNothing = !isHeld && this.#pending.length === 0
    // A key that was never stored needn't be removed once the backend is back.
    if (hasNothing && (!this.#isChanged || this.#names.size === 0)) this.#options.onIdle(this)
    else if (this.#pending.some(({ wasAsked }) => !wasAsked)) this.#schedule(0)
    else if (this.#pending.length > 0) this.#schedule(pollMs)
    else if (this.#isChanged) this.#schedule(gatherMs)
  }

  async #storeAll(): Promise<void> {
    const attempt = { isOver: false }
    try {
      await within(this.#options.clock, answerMs, this.#attempt(attempt))
    } catch (error) {
      this.#isChanged = true
      this.#options.onFailure(error)
      for (const request of this.#pending) request.resolve(this.#take(request, 'away'))
      this.#keep(() => false)
    } finally {
      attempt.isOver = true
    }
  }

  /** Stores the usage with the requests that fit, and answers requests. */
  async #attempt(attempt: Attempt): Promise<void> {
    let maxConnects = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < maxTries; tries++) {
      const holder = await this.#options.holder()
      if (attempt.isOver) return
      this.#dropUnwanted()
      const asked = [...this.#pending]
      if (asked.length === 0 && !this.#isChanged) return
      this.#isChanged = false
      const plan = this.#plan(holder, asked, maxConnects)
      this.#names = new Set([...this.#names, holder])
      const change = this.#changeFor(plan, holder)
      const { outcome, current } = await this.#options.backend.change(this.log, change)
      if (attempt.isOver) return
      if (outcome === 'changed') {
        this.#text = plan.text
        this.#names = new Set([holder])
        this.#answer(asked, plan.decisions, maxConnects === 0 ? 'tooOften' : 'full')
        return
      }
      this.#isChanged = true
      if (outcome === 'conflict') this.#text = current[0] ?? null
      else maxConnects = Math.floor(plan.connects / 2)
    }
    throw new Error(
      `The usage of ${this.log.key} was changed by others ${maxTries} times in a row.`,
    )
  }

  #plan(holder: string, requests: readonly Pending[], maxConnects: number): UsagePlan {
    const { limits, isDead } = this.#options
    const others = parseUsage(this.#text).filter(
      ({ holder: other }) =>
        other !== holder && !this.#names.has(other) && !isDead(instanceOf(other)),
    )
    const held = { connections: this.#connections, subscriptions: this.#subscriptions }
    return planUsage({ others, holder, held, requests, limits, maxConnects })
  }

  #changeFor({ text, connects }: UsagePlan, holder: string): LogChange {
    const {
      limits: { connectsPerKeyAndMinute },
      nextConnect,
    } = this.#options
    const isLimited = connects > 0 && connectsPerKeyAndMinute !== Number.POSITIVE_INFINITY
    const marks = Array.from({ length: isLimited ? connects : 0 }, () => ({
      key: `${holder}:${nextConnect()}`,
      value: '',
      forMs: minuteMs,
    }))
    return {
      when: [{ key: usageKey, is: this.#text }],
      set: [...(text === null ? [] : [{ key: usageKey, value: text }]), ...marks],
      // Connects of the last minute still count.
      ...(text === null && { delete: [usageKey], forgetAfterMs: minuteMs }),
      ...(isLimited && { maxEntries: connectsPerKeyAndMinute + 1 }),
    }
  }

  #answer(asked: readonly Pending[], decisions: readonly Decision[], refusal: Grant): void {
    const nowMs = this.#elapsedMs()
    const answered = new Set<Pending>()
    for (const [i, request] of asked.entries()) {
      request.wasAsked = true
      const decision = decisions[i] ?? 'waits'
      if (decision === 'waits') {
        if (refusal === 'full' && request.untilMs > nowMs) continue
        request.resolve(refusal)
      } else {
        const { connections } = request
        request.resolve(this.#take({ connections, ...decision }, decision))
      }
      answered.add(request)
    }
    this.#keep((request) => !answered.has(request))
  }

  #take({ connections, subscriptions }: Usage, grant: Grant): Grant {
    this.#connections += connections
    this.#subscriptions += subscriptions
    if (grant === 'away') this.#isChanged = true
    return grant
  }

  #dropUnwanted(): void {
    this.#keep((request) => {
      if (request.isWanted()) return true
      request.resolve('full')
      return false
    })
  }

  #keep(isPending: (request: Pending) => boolean): void {
    this.#pending = this.#pending.filter(isPending)
    this.#streamsPending = totalUsage(this.#pending).connections
  }
}
