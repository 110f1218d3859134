import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { EntriesPolicy } from '../backend/backend.ts'

/** Computes when a hub must check its log for expired entries. */
export class Expiry {
  readonly #policy: EntriesPolicy | undefined
  readonly #elapsedMs: () => number
  #atMs = Infinity

  constructor(policy: EntriesPolicy | undefined, clock: Clock) {
    this.#policy = policy
    this.#elapsedMs = elapsedTime(clock)
  }

  /** The time of the next check, in elapsed milliseconds. */
  get atMs(): number {
    return this.#atMs
  }

  /** Clears the time. Call it before a read of the log. */
  reset(): void {
    this.#atMs = Infinity
  }

  /** Takes the time that a read has returned. */
  onRead(expiresInMs: number | undefined): void {
    this.#atMs = this.#elapsedMs() + (expiresInMs ?? Infinity)
  }

  /** Takes an event into account, with which an entry may have been set. */
  onEvent(): void {
    if (!this.#policy?.setWithEvents) return
    this.#atMs = Math.min(this.#atMs, this.#elapsedMs() + this.#policy.checkMs)
  }
}
