import type { Clock } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import { tooManyWaiting } from './limits.ts'

/**
 * Paces how streams are opened and subscriptions started on them: after a deploy thousands of clients come at once, and one may ask
 * for a thousand subscriptions. Connections take turns: who asks for much waits behind its own, and nobody behind it.
 */
export interface Admission {
  /**
   * Waits for the turn to open a connection; `undefined` if it is now. Throws SERVICE_UNAVAILABLE if too many wait already.
   * Whoever leaves meanwhile takes nobody's place.
   */
  open(connection: Connection): Promise<void> | undefined
  /** Waits for the turn to start one more subscription on an open connection; `undefined` if it is now. */
  start(connection: Connection, signal: AbortSignal): Promise<void> | undefined
}

/** What an admission is made with. */
export interface AdmissionOptions {
  readonly clock: Clock
  /** The most connections that wait to be opened. */
  readonly waiting: number
}

/**
 * Streams that are opened, and further subscriptions that are started, in one turn of the event loop. Each takes about a quarter of a
 * millisecond: events for those who are there wait for a few milliseconds, not for the whole storm.
 */
export const stepsPerTurn = 16

/** The shortest time that timers have. */
const turnMs = 1

interface Step {
  readonly proceed: () => void
  /** Aborts if it isn't wanted any more. */
  readonly signal: AbortSignal
}

/** Creates an admission. It has a timer only while somebody waits, or has just been let in. */
export function createAdmission({ clock, waiting: most }: AdmissionOptions): Admission {
  // By connection, in the order of their turns.
  const waiting = new Map<Connection, Step[]>()
  let opening = 0
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
    for (const [connection, steps] of waiting) {
      if (taken >= stepsPerTurn) return
      waiting.delete(connection)
      const [step, ...others] = steps
      // To its end: a Map hands out what is added while it is read.
      if (others.length > 0) waiting.set(connection, others)
      if (!step?.signal.aborted) take()
      step?.proceed()
    }
  }

  function enter(connection: Connection, signal: AbortSignal): Promise<void> | undefined {
    if (taken < stepsPerTurn && waiting.size === 0) {
      take()
      return undefined
    }
    return new Promise((proceed) => {
      const steps = waiting.get(connection)
      if (steps) steps.push({ proceed, signal })
      else waiting.set(connection, [{ proceed, signal }])
    })
  }

  return {
    open(connection) {
      if (opening >= most) throw tooManyWaiting(most)
      const turn = enter(connection, connection.over.signal)
      if (turn === undefined) return undefined
      opening += 1
      return turn.then(() => {
        opening -= 1
      })
    },
    start: enter,
  }
}
