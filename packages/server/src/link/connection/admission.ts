import type { Clock } from '@trpc-sse/protocol'
import type { Connection } from './connection.ts'
import { tooManyWaiting } from './refusals.ts'
import { Turns } from './turns.ts'

/** Options of an {@link Admission}. */
export interface AdmissionOptions {
  readonly clock: Clock
  /** The maximum number of connections that wait to be opened. */
  readonly waiting: number
}

/**
 * Limits the rate at which streams are opened and their subscriptions started. After a deploy,
 * thousands of clients arrive at once, and one may ask for a thousand subscriptions. Connections
 * take turns, so a client with many subscriptions doesn't delay others.
 */
export class Admission {
  readonly #turns: Turns<Connection>
  readonly #maxWaiting: number
  #waiting = 0
  readonly #onTurn = (): void => {
    this.#waiting -= 1
  }

  constructor({ clock, waiting }: AdmissionOptions) {
    this.#turns = new Turns(clock)
    this.#maxWaiting = waiting
  }

  /**
   * Waits for the turn to open a connection. Returns `undefined` if it may be opened now. A
   * connection that closes while it waits uses no turn. Throws SERVICE_UNAVAILABLE if too many are
   * already waiting.
   */
  open(connection: Connection): Promise<void> | undefined {
    if (this.#waiting >= this.#maxWaiting) throw tooManyWaiting(this.#maxWaiting)
    const turn = this.#turns.enter(connection, connection.over.signal, this.#onTurn)
    if (turn) this.#waiting += 1
    return turn
  }

  /**
   * Waits for the turn to start one more subscription on an open connection. Returns `undefined` if
   * it may start now.
   */
  start(connection: Connection, signal: AbortSignal): Promise<void> | undefined {
    return this.#turns.enter(connection, signal)
  }
}
