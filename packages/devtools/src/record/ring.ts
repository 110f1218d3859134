/** Keeps the newest items, up to a maximum. */
export class Ring<TItem> {
  readonly #max: number
  readonly #items: TItem[] = []
  /** Where the oldest item is, once the ring is full. */
  #oldest = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#items.length
  }

  /** Adds an item. If the ring is full, the oldest item is dropped. */
  push(item: TItem): void {
    if (this.#items.length < this.#max) {
      this.#items.push(item)
      return
    }
    this.#items[this.#oldest] = item
    this.#oldest = (this.#oldest + 1) % this.#max
  }

  /** The items, newest first. */
  *newestFirst(): Generator<TItem> {
    const items = this.#items
    for (let age = 1; age <= items.length; age += 1) {
      const item = items[(this.#oldest - age + items.length) % items.length]
      if (item !== undefined) yield item
    }
  }

  clear(): void {
    this.#items.length = 0
    this.#oldest = 0
  }
}
