/**
 * Removes dead entries from a map, a few at a time. Called whenever an entry is used or added, it
 * keeps the map small at a constant cost per call.
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

  /** Looks at the next two entries; after the last one, starts over at the next call. */
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
