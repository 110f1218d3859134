import type { Clock } from '@trpc-sse/protocol'
import { detached } from '../user-code/async-context.ts'

/**
 * The time for which a result is reused, in milliseconds. Many readers may come at the same time.
 */
const reusedForMs = 100

interface RecentRead<TResult> {
  readonly reading: Promise<TResult>
  /** The result, once it was read. */
  result?: TResult
}

/** Caches recent reads by log, so that many readers share one read. */
export class RecentReads<TResult extends object> {
  readonly #clock: Clock
  readonly #reads = new Map<string, RecentRead<TResult>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Returns the result of `read`, which may be slightly old. Never returns an outdated result, after
   * which the log doesn't continue: a reader that got it again would make no progress.
   */
  read(
    key: string,
    read: () => Promise<TResult>,
    isOutdated: (result: TResult) => boolean,
  ): Promise<TResult> {
    const known = this.#reads.get(key)
    if (known && !(known.result && isOutdated(known.result))) return known.reading
    // Detached from the async context of the first caller, as all callers share the read.
    const recent: RecentRead<TResult> = { reading: detached(read) }
    this.#reads.set(key, recent)
    const forget = (): void => {
      if (this.#reads.get(key) === recent) this.#reads.delete(key)
    }
    recent.reading.then((result) => {
      recent.result = result
      this.#clock.after(reusedForMs, forget)
    }, forget)
    return recent.reading
  }
}
