import type { Clock } from '@trpc-sse/protocol'
import { FairQueue } from '../../hub/fair-queue.ts'

/**
 * Steps in one turn of the event loop. Each takes about a quarter of a millisecond, so events for
 * clients that are connected wait for a few milliseconds, however many others arrive.
 */
export const stepsPerTurn = 16

/** The shortest time that timers have. */
const turnMs = 1

interface Step<TOwner> {
  readonly group: TOwner
  readonly proceed: () => void
  /** Aborts when the step isn't wanted any more. */
  readonly signal: AbortSignal
}

/**
 * Lets many owners take a few steps in each turn of the event loop. An owner with many steps waits
 * behind its own, and keeps no other owner waiting. It has a timer only while steps wait, or just
 * after.
 */
export class Turns<TOwner extends object> {
  readonly #clock: Clock
  readonly #waiting = new FairQueue<TOwner, Step<TOwner>>()
  #taken = 0
  #isTurn = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Waits for the turn of one more step; `undefined` if it is now. An aborted step takes no turn.
   */
  enter(owner: TOwner, signal: AbortSignal): Promise<void> | undefined {
    if (this.#taken < stepsPerTurn && this.#waiting.isEmpty) {
      this.#take()
      return undefined
    }
    return new Promise((proceed) => this.#waiting.push({ group: owner, proceed, signal }))
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
    while (this.#taken < stepsPerTurn) {
      const step = this.#waiting.take()
      if (step === undefined) return
      if (!step.signal.aborted) this.#take()
      step.proceed()
    }
  }
}
