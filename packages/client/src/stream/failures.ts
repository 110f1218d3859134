import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts'

/** What is remembered of one subscription's failures. */
export interface FailureRecord {
  /** It has failed; after it had worked for a while, for the first time. */
  failed(error: unknown, hasLasted: boolean): void
  /** It has got further: the next failure is the first. */
  progressed(): void
}

/** The last failure of a subscription. */
export interface LastFailure {
  readonly error: unknown
  /**
   * How long a start must wait from now, in milliseconds; 0 after the first failure: a fresh token
   * may be enough.
   */
  readonly waitMs: number
}

interface Kept {
  readonly count: number
  readonly atMs: number
  readonly waitMs: number
  readonly error: unknown
  readonly wasReported: boolean
}

/**
 * The number of subscriptions whose failures are kept: those that failed last. All others count as
 * one.
 */
const maxKept = 100
/** How long a failure counts, in milliseconds, or twice the longest wait. */
const countsForMs = 60_000
/** After this many failures in a row the console is told. */
const reportedCount = 3

/**
 * Remembers the failures in a row of a link's subscriptions, by identity. A subscription that the
 * app starts again after a failure, as `retryLink` does, is a new one to the link: with this it
 * waits as one that the link itself retries.
 */
export class FailureMemory {
  readonly #clock: Clock
  readonly #backoff: RetryPolicy
  readonly #isQuiet: boolean
  readonly #elapsedMs: () => number
  readonly #kept = new Map<string, Kept>()
  /**
   * The last failure that there was no room for. Without it, where more subscriptions fail than are
   * kept, each failure would be the first in a long time.
   */
  #dropped: Kept | undefined

  /** A quiet one reports nothing to the console. */
  constructor(clock: Clock, backoff: RetryPolicy, isQuiet = false) {
    this.#clock = clock
    this.#backoff = backoff
    this.#isQuiet = isQuiet
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Returns the record of one subscription. */
  of(identity: string, path: string): FailureRecord {
    return {
      failed: (error, hasLasted) => this.#add(identity, path, error, hasLasted),
      progressed: () => {
        const last = this.#kept.get(identity)
        if (last) this.#kept.set(identity, { ...last, count: 0 })
      },
    }
  }

  /**
   * Returns what the next start has to know of the last failure; `undefined` if that was long ago.
   */
  last(identity: string): LastFailure | undefined {
    const last = this.#recent(identity)
    return (
      last && {
        error: last.error,
        waitMs: Math.max(0, last.atMs + last.waitMs - this.#elapsedMs()),
      }
    )
  }

  #recent(identity: string): Kept | undefined {
    const last = this.#kept.get(identity) ?? this.#dropped
    const forMs = Math.max(countsForMs, 2 * this.#backoff.maxMs)
    return last && this.#elapsedMs() - last.atMs <= forMs ? last : undefined
  }

  #add(identity: string, path: string, error: unknown, hasLasted: boolean): void {
    const last = this.#recent(identity)
    // The same failure of a stream ends several subscriptions with this identity.
    if (last?.error === error && this.#kept.has(identity)) return
    const isFirst = hasLasted || !last
    const count = isFirst ? 1 : last.count + 1
    // A procedure can fail after every event: only the first failure in a long time is free.
    const waitMs = isFirst
      ? 0
      : retryDelayMs(this.#clock, this.#backoff, Math.max(1, count - 1), error, 0) || 0
    const wasReported = last?.wasReported ?? false
    const report = !wasReported && count === reportedCount
    this.#keep(identity, {
      count,
      atMs: this.#elapsedMs(),
      waitMs,
      error,
      wasReported: wasReported || report,
    })
    if (report && !this.#isQuiet) {
      console.warn(
        `${path} has failed ${count} times in a row. It is tried less and less often.`,
        error,
      )
    }
  }

  #keep(identity: string, failure: Kept): void {
    this.#kept.delete(identity)
    this.#kept.set(identity, failure)
    const [oldest] = this.#kept
    if (this.#kept.size <= maxKept || !oldest) return
    this.#kept.delete(oldest[0])
    this.#dropped = oldest[1]
  }
}
