/** The period of a limit per minute, in milliseconds. */
const periodMs = 60_000

/**
 * Counts what each key did in the last minute, as the newest period and the rest of the one before.
 * It never counts too little. Keys are forgotten after two periods, whatever their number.
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

  /** Returns how often a key was added in the last minute, at most. */
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
