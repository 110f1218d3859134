import type { Clock } from '@trpc-sse/protocol'
import { FairQueue } from '../../hub/fair-queue.ts'

/**
 * The number of steps in one turn of the event loop. Each step takes about a quarter of a
 * millisecond. So events for connected clients wait only a few milliseconds, however many other
 * clients arrive.
 */
export const stepsPerTurn = 16

/** The shortest delay of a timer, in milliseconds. */
const turnMs = 1

interface Step<TOwner> {
  readonly group: TOwner
  readonly proceed: () => void
  /** Aborts when the step is no longer wanted. */
  readonly signal: AbortSignal
  readonly onTurn: (() => void) | undefined
}

/**
 * Lets owners take a few steps in each turn of the event loop. Owners take turns, so an owner with
 * many steps delays only its own steps. A timer runs only while steps wait, or shortly after a
 * step.
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
   * Waits for the turn of one more step. Returns `undefined` if the step may run now. An aborted
   * step uses no turn.
   * Calls `onTurn` at the end of the wait.
   */
  enter(owner: TOwner, signal: AbortSignal, onTurn?: () => void): Promise<void> | undefined {
    if (this.#taken < stepsPerTurn && this.#waiting.isEmpty) {
      this.#take()
      return undefined
    }
    return new Promise((proceed) => this.#waiting.push({ group: owner, proceed, signal, onTurn }))
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
      step.onTurn?.()
      step.proceed()
    }
  }
}
