import type { Clock } from '@trpc-sse/protocol'

/**
 * Steps in one turn of the event loop. Each takes about a quarter of a millisecond, so events for
 * clients that are connected wait for a few milliseconds, however many others arrive.
 */
export const stepsPerTurn = 16

/** The shortest time that timers have. */
const turnMs = 1

interface Step {
  readonly proceed: () => void
  /** Aborts when the step isn't wanted any more. */
  readonly signal: AbortSignal
}

/**
 * Lets many owners take a few steps in each turn of the event loop. An owner with many steps waits
 * behind its own, and keeps no other owner waiting. It has a timer only while steps wait, or just
 * after.
 */
export class Turns<TOwner> {
  readonly #clock: Clock
  /** By owner, in the order of their turns. */
  readonly #waiting = new Map<TOwner, Step[]>()
  #taken = 0
  #isTurn = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Waits for the turn of one more step; `undefined` if it is now. An aborted step takes no turn.
   */
  enter(owner: TOwner, signal: AbortSignal): Promise<void> | undefined {
    if (this.#taken < stepsPerTurn && this.#waiting.size === 0) {
      this.#take()
      return undefined
    }
    return new Promise((proceed) => {
      const steps = this.#waiting.get(owner)
      if (steps) steps.push({ proceed, signal })
      else this.#waiting.set(owner, [{ proceed, signal }])
    })
  }

  #take(): void {
    this.#taken += 1
    if (this.#isTurn) return
    this.#isTurn = true
    this.#clock.after(turnMs, () => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#isTurn = false
    this.#taken = 0
    for (const [owner, steps] of this.#waiting) {
      if (this.#taken >= stepsPerTurn) return
      this.#waiting.delete(owner)
      const [step, ...others] = steps
      // To the end of the Map, whose iteration also reaches what is added meanwhile.
      if (others.length > 0) this.#waiting.set(owner, others)
      if (!step?.signal.aborted) this.#take()
      step?.proceed()
    }
  }
}
