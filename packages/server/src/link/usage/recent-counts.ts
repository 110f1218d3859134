/** The period of a limit per minute, in milliseconds. */
const periodMs = 60_000

/**
 * Estimates how often each key did something in the last minute: in the current period, and in the
 * rest of the one before, as if its times were spread evenly. Keys are forgotten after two periods.
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

  add(key: string): void {
    this.#turn()
    this.#now.set(key, (this.#now.get(key) ?? 0) + 1)
  }

  /** Returns how often a key was added in the last minute, about. */
  count(key: string): number {
    this.#turn()
    const restOfBefore = 1 - (this.#elapsedMs() - this.#startedAtMs) / periodMs
    return (this.#now.get(key) ?? 0) + Math.ceil((this.#before.get(key) ?? 0) * restOfBefore)
  }

  #turn(): void {
    const periods = Math.floor((this.#elapsedMs() - this.#startedAtMs) / periodMs)
    if (periods === 0) return
    this.#before = periods === 1 ? this.#now : new Map()
    this.#now = new Map()
    this.#startedAtMs += periods * periodMs
  }
}
