/** How items of a list are identified and ordered. */
export interface KeyedListOptions<TItem> {
  /** Returns what identifies an item: equal for two versions of it. */
  key(item: TItem): string | number
  /**
   * Orders two items, like the function of `Array.sort`. Equal items stay in order of arrival.
   *
   * @default new items go to the end
   */
  order?(a: TItem, b: TItem): number
}

/**
 * Functions over lists of items with keys. They return a new list, and never change the given one.
 */
export interface KeyedList<TItem> {
  /** Makes a list of items that are not ordered yet. */
  from(items: readonly TItem[]): readonly TItem[]
  /** Inserts an item at its place; replaces the item with the same key. */
  upsert(list: readonly TItem[], item: TItem): readonly TItem[]
  /** Removes the item with a key. Returns the list itself if there is none. */
  remove(list: readonly TItem[], key: string | number): readonly TItem[]
}

/** Creates functions for lists of items with keys, to be used in a `reduce` of `useLive`. */
export function keyedList<TItem>({ key, order }: KeyedListOptions<TItem>): KeyedList<TItem> {
  // Searches from the end: recent items change most.
  function indexOf(list: readonly TItem[], wanted: string | number): number {
    for (let i = list.length - 1; i >= 0; i--) if (key(list[i] as TItem) === wanted) return i
    return -1
  }

  return {
    from: (items) => (order ? items.slice().sort(order) : items),
    upsert(list, item) {
      const index = indexOf(list, key(item))
      const keepsPlace = index >= 0 && (!order || order(list[index] as TItem, item) === 0)
      const changed = list.slice()
      if (keepsPlace) changed[index] = item
      else {
        if (index >= 0) changed.splice(index, 1)
        changed.splice(placeOf(changed, item, order), 0, item)
      }
      return changed
    },
    remove(list, wanted) {
      const index = indexOf(list, wanted)
      if (index < 0) return list
      const changed = list.slice()
      changed.splice(index, 1)
      return changed
    },
  }
}

/**
 * Finds the index after all items that aren't greater, by binary search. Without an order, that is
 * the end.
 */
function placeOf<TItem>(
  list: readonly TItem[],
  item: TItem,
  order: KeyedListOptions<TItem>['order'],
): number {
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
