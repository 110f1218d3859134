import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts'

/** The failures of one subscription. */
export interface FailureRecord {
  /** The subscription has failed. If it had lasted, this counts as the first failure. */
  failed(error: unknown, hasLasted: boolean): void
  /** The subscription has made progress, so the next failure counts as the first. */
  progressed(): void
}

/** The last failure of a subscription. */
export interface LastFailure {
  readonly error: unknown
  /**
   * How long the next start must wait from now, in milliseconds. 0 after the first failure, because
   * a fresh token may be all it takes.
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
 * The number of subscriptions whose failures are remembered: those that failed last. All others are
 * counted together.
 */
const maxKept = 100
/**
 * The shortest time for which a failure counts, in milliseconds. If twice the longest wait is
 * longer, it counts for that time.
 */
const countsForMs = 60_000
/** The number of failures in a row after which the console gets a message. */
const reportedCount = 3

/**
 * Remembers the failures in a row of a link's subscriptions, by identity. A subscription that the
 * app starts again after a failure, as `retryLink` does, is a new one to the link. With this
 * memory, it waits as long as one that the link itself retries.
 */
export class FailureMemory {
  readonly #clock: Clock
  readonly #backoff: RetryPolicy
  readonly #isQuiet: boolean
  readonly #elapsedMs: () => number
  readonly #kept = new Map<string, Kept>()
  /**
   * The newest failure that was dropped for lack of room. Without it, if more subscriptions fail
   * than are remembered, each failure would look like the first in a long time.
   */
  #dropped: Kept | undefined

  /** `isQuiet` suppresses messages on the console. */
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

  /** Returns the last failure; `undefined` if it was long ago. */
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
    // One failure of a stream can end several subscriptions with this identity.
    if (last?.error === error && this.#kept.has(identity)) return
    const isFirst = hasLasted || !last
    const count = isFirst ? 1 : last.count + 1
    // A procedure can fail after every event, so only the first failure in a long time has no wait.
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
