import type { Clock, RareBranch } from '@trpc-sse/protocol'
import type { Chance } from './chance.ts'
import type { Cancel, Timeline } from './timeline.ts'

/** What a simulated process is made of. */
export interface SimulatedProcessOptions {
  readonly name: string
  readonly timeline: Timeline
  readonly chance: Chance
  /** How far its time of day is from the simulated one. */
  readonly offsetMs: number
  /** Chooses whether its code takes a rare branch; without it, none does. */
  readonly rare?: ((branch: RareBranch) => boolean) | undefined
}

/** The time of day when a simulation starts, in milliseconds since 1970. */
const startMs = 1_800_000_000_000

/**
 * A process with a clock of its own: a server or a page. While it is frozen, its timers and all
 * that arrives wait. Once it has crashed, nothing reaches it any more: code that awaits something
 * never goes on.
 */
export class SimulatedProcess {
  readonly name: string
  readonly clock: Clock
  readonly #timeline: Timeline
  readonly #timers = new Set<object>()
  #offsetMs: number
  #frozen: Array<() => void> | undefined
  #hasCrashed = false
  #onCrash: Array<() => void> = []

  constructor({ name, timeline, chance, offsetMs, rare }: SimulatedProcessOptions) {
    this.name = name
    this.#timeline = timeline
    this.#offsetMs = offsetMs
    this.clock = {
      now: () => startMs + this.#timeline.nowMs + this.#offsetMs,
      monotonicMs: () => this.#timeline.nowMs,
      random: chance.random,
      ...(rare && { rare }),
      after: (delayMs, callback) => this.#startTimer(delayMs, callback),
    }
  }

  get hasCrashed(): boolean {
    return this.#hasCrashed
  }

  /** The simulated time, which no clock step changes. */
  get monotonicMs(): number {
    return this.#timeline.nowMs
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined
  }

  /** Timers of its clock that are still due. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets something arrive here after a delay, from outside. */
  arrive(delayMs: number, call: () => void): Cancel {
    return this.#timeline.after(delayMs, () => this.#enter(call))
  }

  /** Steps its time of day. */
  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  freeze(): void {
    this.#frozen ??= []
  }

  /** Ends a freeze: what has waited happens now, in order. */
  thaw(): void {
    const waiting = this.#frozen ?? []
    this.#frozen = undefined
    for (const call of waiting) this.arrive(0, call)
  }

  /** Ends the process in this moment. */
  crash(): void {
    if (this.#hasCrashed) return
    this.#hasCrashed = true
    this.#timers.clear()
    for (const call of this.#onCrash) call()
  }

  onCrash(call: () => void): void {
    this.#onCrash.push(call)
  }

  #startTimer(delayMs: number, callback: () => void): Cancel {
    const timer = {}
    if (!this.#hasCrashed) this.#timers.add(timer)
    const cancel = this.#timeline.after(delayMs, () => {
      // It may be cancelled while it waits for the end of a freeze.
      this.#enter(() => {
        if (this.#timers.delete(timer)) callback()
      })
    })
    return () => {
      cancel()
      this.#timers.delete(timer)
    }
  }

  #enter(call: () => void): void {
    if (this.#hasCrashed) return
    if (this.#frozen) this.#frozen.push(call)
    else {
      this.#timeline.running = this.clock
      call()
    }
  }
}
