/** How the items of a list are told apart, and ordered. */
export interface KeyedListOptions<TItem> {
  /** What is the same for two versions of one item. */
  key(item: TItem): string | number
  /**
   * Orders two items, as the function of `Array.sort`. Equal ones stay in the order in which they came.
   *
   * @default new items go to the end
   */
  order?(a: TItem, b: TItem): number
}

/** Changes lists of items, each of which has a key. A list that is given is never changed: a new one is returned. */
export interface KeyedList<TItem> {
  /** Makes a list of items that are in no order yet. */
  from(items: readonly TItem[]): readonly TItem[]
  /** Puts an item into its place; replaces the one with its key. */
  upsert(list: readonly TItem[], item: TItem): readonly TItem[]
  /** Takes out the item with a key. The list itself if there is none. */
  remove(list: readonly TItem[], key: string | number): readonly TItem[]
}

/** Creates what changes lists whose items have keys: for `reduce` of `useLive`. */
export function keyedList<TItem>({ key, order }: KeyedListOptions<TItem>): KeyedList<TItem> {
  // From the end: what changes is mostly what came last.
  function indexOf(list: readonly TItem[], wanted: string | number): number {
    for (let i = list.length - 1; i >= 0; i--) if (key(list[i] as TItem) === wanted) return i
    return -1
  }

  /** Where an item goes in: behind all that are not after it. */
  function placeOf(list: readonly TItem[], item: TItem): number {
    if (!order) return list.length
    let from = 0
    let to = list.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (order(list[middle] as TItem, item) <= 0) from = middle + 1
      else to = middle
    }
    return from
  }

  const without = (list: readonly TItem[], index: number): TItem[] => {
    const rest = list.slice()
    rest.splice(index, 1)
    return rest
  }

  return {
    from: (items) => (order ? items.slice().sort(order) : items),
    upsert(list, item) {
      const index = indexOf(list, key(item))
      const stays = index >= 0 && (!order || order(list[index] as TItem, item) === 0)
      const changed = index < 0 || stays ? list.slice() : without(list, index)
      changed.splice(stays ? index : placeOf(changed, item), stays ? 1 : 0, item)
      return changed
    },
    remove(list, wanted) {
      const index = indexOf(list, wanted)
      return index < 0 ? list : without(list, index)
    },
  }
}
