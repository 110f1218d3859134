/** How often something may be done. */
export interface RateLimit {
  /** How much may be done per second, in the long run. */
  readonly perSecond: number
  /** How much may be done at once. */
  readonly burst: number
  /** The time since any fixed moment, in milliseconds. */
  elapsedMs(): number
}

/** Limits a rate: a bucket of tokens that refills over time. It is full at first. */
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
   * Takes so many tokens and returns 0; or takes none, and returns how long to wait for them in
   * milliseconds.
   */
  take(count: number): number {
    const ms = this.waitMs(count)
    if (ms === 0) this.#tokens -= Math.min(count, this.#limit.burst)
    return ms
  }

  /** Returns how long to wait for so many tokens, in milliseconds; 0 if they are there. */
  waitMs(count: number): number {
    const { perSecond, burst, elapsedMs } = this.#limit
    const nowMs = elapsedMs()
    const refill = ((nowMs - this.#filledAtMs) * perSecond) / 1_000
    this.#tokens = Math.min(burst, this.#tokens + refill)
    this.#filledAtMs = nowMs
    // Who wants more than a full bucket gets a full bucket.
    const missing = Math.min(count, burst) - this.#tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / perSecond)
  }
}
