/** A queue in which owners take turns, however many items each owner has waiting. */
export class FairQueue<TOwner extends object, TItem extends { readonly group: TOwner }> {
  // In the order of turns. After its turn, an owner moves to the end.
  readonly #owners = new Map<TOwner, TItem[]>()

  get isEmpty(): boolean {
    return this.#owners.size === 0
  }

  push(item: TItem): void {
    const items = this.#owners.get(item.group)
    if (items) items.push(item)
    else this.#owners.set(item.group, [item])
  }

  /** Removes and returns the first item of the owner whose turn it is. */
  take(): TItem | undefined {
    for (const [owner, items] of this.#owners) {
      this.#owners.delete(owner)
      const item = items.shift()
      if (items.length > 0) this.#owners.set(owner, items)
      return item
    }
    return undefined
  }

  /** Removes an item. Returns whether the item was in this queue. */
  delete(item: TItem): boolean {
    const items = this.#owners.get(item.group) ?? []
    const index = items.indexOf(item)
    if (index < 0) return false
    items.splice(index, 1)
    if (items.length === 0) this.#owners.delete(item.group)
    return true
  }
}
