/** A rate limit. */
export interface RateLimit {
  /** The average number of tokens per second. */
  readonly perSecond: number
  /** The capacity of the bucket, in tokens. */
  readonly burst: number
  /** The time since any fixed moment, in milliseconds. */
  elapsedMs(): number
}

/** Limits a rate with a bucket of tokens, which is full at first and refills over time. */
export class TokenBucket {
  readonly #limit: RateLimit
  #tokens: number
  #filledAtMs: number

  constructor(limit: RateLimit) {
    this.#limit = limit
    this.#tokens = limit.burst
    this.#filledAtMs = limit.elapsedMs()
  }

  /**
   * Takes tokens and returns 0. If there are too few, takes none and returns the time to wait for
   * them, in milliseconds.
   */
  take(count: number): number {
    const ms = this.waitMs(count)
    if (ms === 0) this.#tokens -= Math.min(count, this.#limit.burst)
    return ms
  }

  /** Returns the time to wait for a number of tokens, in milliseconds; 0 if they are available. */
  waitMs(count: number): number {
    const { perSecond, burst, elapsedMs } = this.#limit
    const nowMs = elapsedMs()
    const refill = ((nowMs - this.#filledAtMs) * perSecond) / 1_000
    this.#tokens = Math.min(burst, this.#tokens + refill)
    this.#filledAtMs = nowMs
    // A request for more than a full bucket takes a full bucket.
    const missing = Math.min(count, burst) - this.#tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / perSecond)
  }
}
