/**
 * Removes expired entries from a map, a few at a time. Call `step` whenever an entry is used or
 * added: that keeps the map small at a constant cost per call.
 */
export class Sweep<TKey, TValue> {
  readonly #map: Map<TKey, TValue>
  readonly #isDead: (value: TValue, nowMs: number) => boolean
  #rest: IterableIterator<[TKey, TValue]>

  constructor(map: Map<TKey, TValue>, isDead: (value: TValue, nowMs: number) => boolean) {
    this.#map = map
    this.#isDead = isDead
    this.#rest = map.entries()
  }

  /** Checks the next two entries. After the last entry, the next call starts from the beginning. */
  step(nowMs: number): void {
    for (let i = 0; i < 2; i++) {
      const next = this.#rest.next()
      if (next.done) {
        this.#rest = this.#map.entries()
        return
      }
      const [key, value] = next.value
      if (this.#isDead(value, nowMs)) this.#map.delete(key)
    }
  }
}
