import type { Clock } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import { tooManyWaiting } from './refusals.ts'
import { Turns } from './turns.ts'

/** Options of an {@link Admission}. */
export interface AdmissionOptions {
  readonly clock: Clock
  /** How many connections may wait to be opened. */
  readonly waiting: number
}

/**
 * Paces how streams are opened and subscriptions started on them: after a deploy thousands of
 * clients arrive at once, and one may ask for a thousand subscriptions. Connections take turns, so
 * a client that asks for much keeps no other one waiting.
 */
export class Admission {
  readonly #turns: Turns<Connection>
  readonly #maxWaiting: number
  #waiting = 0

  constructor({ clock, waiting }: AdmissionOptions) {
    this.#turns = new Turns(clock)
    this.#maxWaiting = waiting
  }

  /**
   * Waits for the turn to open a connection; `undefined` if it is now. A connection that closes
   * meanwhile takes no turn. Throws SERVICE_UNAVAILABLE if too many wait already.
   */
  open(connection: Connection): Promise<void> | undefined {
    if (this.#waiting >= this.#maxWaiting) throw tooManyWaiting(this.#maxWaiting)
    const turn = this.#turns.enter(connection, connection.over.signal)
    if (turn === undefined) return undefined
    this.#waiting += 1
    return turn.then(() => {
      this.#waiting -= 1
    })
  }

  /**
   * Waits for the turn to start one more subscription on an open connection; `undefined` if it is
   * now.
   */
  start(connection: Connection, signal: AbortSignal): Promise<void> | undefined {
    return this.#turns.enter(connection, signal)
  }
}
