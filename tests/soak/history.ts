import { compareEventIds } from '@trpc-sse/server'
import type { SoakEvent } from './app.ts'

/** The losses that are possible in a room. */
export interface RoomTruth {
  /** Whether its log can lose events: the store may lose them, or retains only a few. */
  readonly mayLose: boolean
  /**
   * Whether the store itself may lose confirmed events. An event may then be stored again, and one
   * that no reader had seen may be lost without a trace. Only events that the log still has must
   * arrive.
   */
  readonly mayForget: boolean
}

/** Events that a handler didn't see between two ids, without a gap. */
interface Jump {
  readonly publisher: string
  readonly from: number
  readonly to: number
  readonly afterId: string
  readonly beforeId: string
  readonly atMs: number
}

/**
 * How long a reader may follow a master that was replaced, in milliseconds. What the new master
 * stores meanwhile is missing there; the gap comes when the reader gets to the new master.
 */
const forkMs = 30_000

/** An event that a log has at the end. */
export interface LoggedEvent {
  readonly id: string
  readonly data: SoakEvent
}

/** One call of a handler. */
export type Seen =
  | { readonly kind: 'event'; readonly id: string; readonly event: SoakEvent }
  | { readonly kind: 'gap'; readonly reason: string }
  | { readonly kind: 'ended'; readonly how: string }

/** The last event of a publisher, and the number of gaps before it. */
interface LastEvent {
  readonly n: number
  readonly id: string
  readonly gaps: number
}

/** Counts of a handler's calls. */
export interface SeenCounts {
  events: number
  gaps: number
}

/**
 * Checks the calls of a handler for one room as they happen: each publisher's events once and in
 * order, and a gap wherever some are missing.
 */
export class History {
  readonly violations: string[] = []
  readonly counts: SeenCounts = { events: 0, gaps: 0 }
  readonly #name: string
  readonly #truth: RoomTruth
  /** Whether the history must begin with the first event of each publisher. */
  readonly #fromStart: boolean
  readonly #last = new Map<string, LastEvent>()
  /** Events that a forgetful store may have lost before any reader saw them. */
  readonly #jumps: Jump[] = []
  readonly #gapTimesMs: number[] = []
  #lastId: string | undefined
  #gapsAtLastId = 0
  /** The last steps, to be shown with a violation. */
  readonly #recent: string[] = []

  constructor(name: string, truth: RoomTruth, fromStart: boolean) {
    this.#name = name
    this.#truth = truth
    this.#fromStart = fromStart
  }

  /** Takes the next step. */
  saw(seen: Seen): void {
    this.#recent.push(JSON.stringify(seen))
    if (this.#recent.length > 12) this.#recent.shift()
    if (seen.kind === 'ended') this.#fail(`it ended: ${seen.how}`)
    else if (seen.kind === 'gap') this.#sawGap(seen.reason)
    else this.#sawEvent(seen.id, seen.event)
  }

  /**
   * Checks, after the faults, that the last event of each publisher has arrived, and that no event
   * which the log still has was left out.
   */
  end(published: ReadonlyMap<string, number>, log: readonly LoggedEvent[]): void {
    for (const jump of this.#jumps) this.#checkJump(jump, log)
    for (const [publisher, n] of published) {
      const last = this.#last.get(publisher)?.n ?? 0
      if (last !== n) this.#fail(`the last event of ${publisher}, ${n}, never came; ${last} did`)
    }
  }

  #sawGap(reason: string): void {
    this.counts.gaps += 1
    this.#gapTimesMs.push(Date.now())
    if (!this.#truth.mayLose) this.#fail(`a gap where nothing was lost: ${reason}`)
  }

  #sawEvent(id: string, { publisher, n }: SoakEvent): void {
    this.counts.events += 1
    const { gaps } = this.counts
    const isAfterGap = this.#gapsAtLastId < gaps
    if (this.#lastId !== undefined && compareEventIds(id, this.#lastId) <= 0)
      if (!isAfterGap || !this.#truth.mayForget) this.#fail(`${id} came after ${this.#lastId}`)
    this.#lastId = id
    this.#gapsAtLastId = gaps
    this.#checkNumber(publisher, n, id)
    this.#last.set(publisher, { n, id, gaps })
  }

  #checkNumber(publisher: string, n: number, id: string): void {
    const last = this.#last.get(publisher)
    const hasGap = this.counts.gaps > (last?.gaps ?? 0)
    if (last === undefined) {
      if (this.#fromStart && n !== 1 && !hasGap)
        this.#fail(`${publisher} began with ${n}, and no gap came`)
      return
    }
    if (n > last.n + 1 && !hasGap) {
      const [from, to, atMs] = [last.n + 1, n - 1, Date.now()]
      const jump = { publisher, from, to, afterId: last.id, beforeId: id, atMs }
      if (this.#truth.mayForget) this.#jumps.push(jump)
      else this.#failJump(jump)
    }
    // An event that the store forgot, together with its key, is published again.
    if (n <= last.n && !(hasGap && this.#truth.mayForget))
      this.#fail(`${n} of ${publisher} came after ${last.n}`)
  }

  /** Checks events that no reader may have seen. If the log has one, it was left out. */
  #checkJump(jump: Jump, log: readonly LoggedEvent[]): void {
    const isLeftOut = log.some(
      ({ id, data: { publisher, n } }) =>
        publisher === jump.publisher &&
        n >= jump.from &&
        n <= jump.to &&
        compareEventIds(id, jump.afterId) > 0 &&
        compareEventIds(id, jump.beforeId) < 0,
    )
    const isReported = this.#gapTimesMs.some((ms) => ms >= jump.atMs && ms <= jump.atMs + forkMs)
    if (isLeftOut && !isReported) this.#failJump(jump)
  }

  #failJump({ publisher, from, to }: Jump): void {
    this.#fail(`${from} to ${to} of ${publisher} never came, and no gap did`)
  }

  #fail(text: string): void {
    if (this.violations.length >= 5) return
    this.violations.push(`${this.#name}: ${text}\n    ${this.#recent.join('\n    ')}`)
  }
}
