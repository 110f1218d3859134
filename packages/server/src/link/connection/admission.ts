import type { Clock } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import { tooManyWaiting } from './limits.ts'
import { createTurns } from './turns.ts'

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

/** Creates an admission. */
export function createAdmission({ clock, waiting: most }: AdmissionOptions): Admission {
  const turns = createTurns<Connection>(clock)
  let opening = 0

  return {
    open(connection) {
      if (opening >= most) throw tooManyWaiting(most)
      const turn = turns.enter(connection, connection.over.signal)
      if (turn === undefined) return undefined
      opening += 1
      return turn.then(() => {
        opening -= 1
      })
    },
    start: turns.enter,
  }
}
