/** How often something may be done. */
export interface RateLimit {
  /** How much may be done per second, in the long run. */
  readonly perSecond: number
  /** How much may be done at once. */
  readonly burst: number
  /** Time since any fixed moment, in milliseconds. */
  elapsedMs(): number
}

/** What is left of a rate: a bucket of tokens that fills up by time. */
export interface Rate {
  /** Takes so many tokens and returns 0; or takes nothing, and returns after how many milliseconds there will be enough. */
  take(tokens: number): number
  /** After how many milliseconds there will be so many; 0 if they are there. */
  waitMs(tokens: number): number
}

/** Creates a rate of which nothing is taken yet. */
export function createRate({ perSecond, burst, elapsedMs }: RateLimit): Rate {
  let tokens = burst
  let filledAtMs = elapsedMs()

  function waitMs(wanted: number): number {
    const nowMs = elapsedMs()
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) * perSecond) / 1_000)
    filledAtMs = nowMs
    // More than there ever are is what an empty bucket can't give and a full one can.
    const missing = Math.min(wanted, burst) - tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / perSecond)
  }

  return {
    waitMs,
    take(wanted) {
      const ms = waitMs(wanted)
      if (ms === 0) tokens -= Math.min(wanted, burst)
      return ms
    },
  }
}
