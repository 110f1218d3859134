import type { Clock } from '@trpc-sse/protocol'

/** Lets many take a few steps in each turn of the event loop: whoever has many waits behind its own, and nobody behind it. */
export interface Turns<TOwner> {
  /** Waits for the turn of one more step; `undefined` if it is now. What isn't wanted any more takes nobody's place. */
  enter(owner: TOwner, signal: AbortSignal): Promise<void> | undefined
}

/**
 * Steps in one turn of the event loop. Each takes about a quarter of a millisecond: events for those who are there wait for a few
 * milliseconds, not for the whole storm.
 */
export const stepsPerTurn = 16

/** The shortest time that timers have. */
const turnMs = 1

interface Step {
  readonly proceed: () => void
  /** Aborts if it isn't wanted any more. */
  readonly signal: AbortSignal
}

/** Creates turns. They have a timer only while somebody waits, or has just had one. */
export function createTurns<TOwner>(clock: Clock): Turns<TOwner> {
  // By owner, in the order of their turns.
  const waiting = new Map<TOwner, Step[]>()
  let taken = 0
  let isTurn = false

  function take(): void {
    taken += 1
    if (isTurn) return
    isTurn = true
    clock.after(turnMs, nextTurn)
  }

  function nextTurn(): void {
    isTurn = false
    taken = 0
    for (const [owner, steps] of waiting) {
      if (taken >= stepsPerTurn) return
      waiting.delete(owner)
      const [step, ...others] = steps
      // To its end: a Map hands out what is added while it is read.
      if (others.length > 0) waiting.set(owner, others)
      if (!step?.signal.aborted) take()
      step?.proceed()
    }
  }

  return {
    enter(owner, signal) {
      if (taken < stepsPerTurn && waiting.size === 0) {
        take()
        return undefined
      }
      return new Promise((proceed) => {
        const steps = waiting.get(owner)
        if (steps) steps.push({ proceed, signal })
        else waiting.set(owner, [{ proceed, signal }])
      })
    },
  }
}
