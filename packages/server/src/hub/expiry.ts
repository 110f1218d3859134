import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { EntriesPolicy } from '../backend/backend.ts'

/** When a hub must look for entries of its log that have expired. */
export class Expiry {
  readonly #policy: EntriesPolicy | undefined
  readonly #elapsedMs: () => number
  #atMs = Infinity

  constructor(policy: EntriesPolicy | undefined, clock: Clock) {
    this.#policy = policy
    this.#elapsedMs = elapsedTime(clock)
  }

  /** In elapsed milliseconds. */
  get atMs(): number {
    return this.#atMs
  }

  /** Forgets what was known: the log is about to be read. */
  reset(): void {
    this.#atMs = Infinity
  }

  /** Notes what a read of the log says. */
  onRead(expiresInMs: number | undefined): void {
    this.#atMs = this.#elapsedMs() + (expiresInMs ?? Infinity)
  }

  /** Notes an event: an entry may have been set with it. */
  onEvent(): void {
    if (!this.#policy?.setWithEvents) return
    this.#atMs = Math.min(this.#atMs, this.#elapsedMs() + this.#policy.checkMs)
  }
}
