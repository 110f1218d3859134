import type { Clock } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import { tooManyWaiting } from './limits.ts'

/** Paces how streams are opened: after a deploy thousands of clients come at once. */
export interface Admission {
  /**
   * Waits for the connection's turn; `undefined` if it is now. Throws SERVICE_UNAVAILABLE if too many wait already.
   * Whoever leaves meanwhile takes nobody's place.
   */
  enter(connection: Connection): Promise<void> | undefined
}

/** What an admission is made with. */
export interface AdmissionOptions {
  readonly clock: Clock
  /** The most that wait. */
  readonly waiting: number
}

/**
 * Streams that are opened in one turn of the event loop. To open one takes about a quarter of a millisecond: events for those
 * who are there wait for a few milliseconds, not for the whole storm.
 */
export const openingsPerTurn = 16

/** The shortest time that timers have. */
const turnMs = 1

interface Waiting {
  readonly connection: Connection
  readonly proceed: () => void
}

/** Creates an admission. It has a timer only while somebody waits, or has just been let in. */
export function createAdmission({ clock, waiting: most }: AdmissionOptions): Admission {
  let waiting: Waiting[] = []
  let opened = 0
  let isTurn = false

  function takeTurn(): void {
    opened += 1
    if (isTurn) return
    isTurn = true
    clock.after(turnMs, nextTurn)
  }

  function nextTurn(): void {
    isTurn = false
    opened = 0
    let index = 0
    for (; index < waiting.length && opened < openingsPerTurn; index++) {
      const next = waiting[index]
      if (next === undefined) break
      if (!next.connection.closed) takeTurn()
      next.proceed()
    }
    waiting = waiting.slice(index)
  }

  return {
    enter(connection) {
      if (opened < openingsPerTurn && waiting.length === 0) {
        takeTurn()
        return undefined
      }
      if (waiting.length >= most) throw tooManyWaiting(most)
      return new Promise((proceed) => waiting.push({ connection, proceed }))
    },
  }
}
