/** The period of a limit per minute, in milliseconds. */
const periodMs = 60_000
/** The maximum number of keys in one period. More of them end it early. */
const maxKeys = 100_000
/** Keys that differ only after so many characters count as one. */
const maxKeyLength = 200

/**
 * Estimates how often each key did something in the last minute: in the current period, and in the
 * rest of the one before, as if its times were spread evenly. Keys are forgotten after two periods,
 * so its memory is bounded, whatever keys there are.
 */
export class RecentCounts {
  readonly #elapsedMs: () => number
  #before = new Map<string, number>()
  #now = new Map<string, number>()
  #startedAtMs: number

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs
    this.#startedAtMs = elapsedMs()
  }

  add(given: string): void {
    this.#turn()
    const key = given.slice(0, maxKeyLength)
    this.#now.set(key, (this.#now.get(key) ?? 0) + 1)
    if (this.#now.size >= maxKeys) this.#startPeriod(this.#elapsedMs(), this.#now)
  }

  /** Returns how often a key was added in the last minute, about. */
  count(given: string): number {
    this.#turn()
    const key = given.slice(0, maxKeyLength)
    const restOfBefore = 1 - (this.#elapsedMs() - this.#startedAtMs) / periodMs
    return (this.#now.get(key) ?? 0) + Math.ceil((this.#before.get(key) ?? 0) * restOfBefore)
  }

  #turn(): void {
    const periods = Math.floor((this.#elapsedMs() - this.#startedAtMs) / periodMs)
    if (periods === 0) return
    const before = periods === 1 ? this.#now : new Map<string, number>()
    this.#startPeriod(this.#startedAtMs + periods * periodMs, before)
  }

  #startPeriod(atMs: number, before: Map<string, number>): void {
    this.#before = before
    this.#now = new Map()
    this.#startedAtMs = atMs
  }
}
