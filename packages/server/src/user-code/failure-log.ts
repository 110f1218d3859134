import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { logToConsole } from './calls.ts'

/** The shortest time between two reports, in milliseconds. */
const quietMs = 10_000

/**
 * Logs the errors of a function of the app that is called very often. Further errors within ten
 * seconds are only counted, so that they fill no disk.
 */
export class FailureLog {
  readonly #message: string
  readonly #elapsedMs: () => number
  #quietUntilMs = Number.NEGATIVE_INFINITY
  /** The number of errors since the last report. */
  #unreported = 0

  constructor(message: string, clock: Clock) {
    this.#message = message
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Logs or counts an error. */
  readonly add = (error: unknown): void => {
    const nowMs = this.#elapsedMs()
    if (nowMs < this.#quietUntilMs) {
      this.#unreported += 1
      return
    }
    const more = this.#unreported === 0 ? '' : ` (${this.#unreported} times since the last report)`
    this.#quietUntilMs = nowMs + quietMs
    this.#unreported = 0
    logToConsole(`${this.#message}${more}`, error)
  }
}
