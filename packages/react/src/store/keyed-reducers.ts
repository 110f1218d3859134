import type { Reducers } from './fold.ts'
import { type KeyedListOptions, keyedList } from './keyed-list.ts'

/**
 * Creates the reducers of a list. Each event is a version of an item, except for the removals of a
 * state channel.
 */
export function keyedReducers(
  options: KeyedListOptions<unknown>,
): Pick<Reducers<readonly unknown[]>, 'reduce' | 'snapshot'> {
  const list = keyedList<unknown>(options)
  return {
    snapshot: (items) => list.from(items as readonly unknown[]),
    reduce(items, event) {
      if (!isRemoval(event)) return list.upsert(items, event)
      const left = items.filter((item) => !isEntry(item) || item.key !== event.key)
      return left.length === items.length ? items : left
    },
  }
}

/** Whether an event is exactly `{ type: 'removed', key }`. */
function isRemoval(event: unknown): event is { type: 'removed'; key: unknown } {
  return isEntry(event) && event.type === 'removed' && Object.keys(event).length === 2
}

function isEntry(value: unknown): value is { key: unknown; type?: unknown } {
  return typeof value === 'object' && value !== null && 'key' in value
}
