/** A queue in which owners take turns, however many items each owner has waiting. */
export class FairQueue<TOwner extends object, TItem extends { readonly group: TOwner }> {
  // In the order of turns. After its turn, an owner moves to the end.
  readonly #owners = new Map<TOwner, Set<TItem>>()

  get isEmpty(): boolean {
    return this.#owners.size === 0
  }

  push(item: TItem): void {
    const items = this.#owners.get(item.group)
    if (items) items.add(item)
    else this.#owners.set(item.group, new Set([item]))
  }

  /** Removes and returns the first item of the owner whose turn it is. */
  take(): TItem | undefined {
    for (const [owner, items] of this.#owners) {
      this.#owners.delete(owner)
      for (const item of items) {
        items.delete(item)
        if (items.size > 0) this.#owners.set(owner, items)
        return item
      }
    }
    return undefined
  }

  /** Removes an item. Returns whether the item was in this queue. */
  delete(item: TItem): boolean {
    const items = this.#owners.get(item.group)
    if (!items?.delete(item)) return false
    if (items.size === 0) this.#owners.delete(item.group)
    return true
  }
}
