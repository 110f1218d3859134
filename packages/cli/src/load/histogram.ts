/** Each bucket is this much wider than the one before: values are exact to five percent. */
const growth = 1.05
/** Values beyond about ten days are counted as that. */
const buckets = 420

/** The distribution of durations, in bounded memory. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  #count = 0
  #maxMs = 0

  get count(): number {
    return this.#count
  }

  /** The longest duration, in milliseconds; 0 if there is none. */
  get maxMs(): number {
    return this.#maxMs
  }

  /** Adds a duration in milliseconds. One below 0 counts as 0. */
  add(ms: number): void {
    const value = Math.max(0, ms)
    const bucket = Math.min(buckets - 1, Math.ceil(Math.log(value + 1) / Math.log(growth)))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count++
    this.#maxMs = Math.max(this.#maxMs, value)
  }

  /** Returns the duration that a part (0 to 1) of all durations don't exceed, in milliseconds. */
  percentileMs(part: number): number {
    let left = Math.ceil(this.#count * part)
    if (left === 0) return 0
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(this.#maxMs, Math.round(growth ** bucket - 1))
    }
    return this.#maxMs
  }

  clear(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#maxMs = 0
  }
}
