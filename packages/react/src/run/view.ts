import type { EndItem, RunItem } from './items.ts'
import type { ValueRules } from './rules.ts'

/** The state of a run that a component shows. */
export interface RunView<TValue> {
  readonly value: TValue | undefined
  readonly isCaughtUp: boolean
  readonly end: EndItem | undefined
}

/** The view of a run before its first item. */
export const emptyView: RunView<never> = { value: undefined, isCaughtUp: false, end: undefined }

/** Returns the view after an item. */
export function nextView<TValue>(
  view: RunView<TValue>,
  item: RunItem,
  rules: ValueRules<TValue>,
): RunView<TValue> {
  switch (item.type) {
    case 'fold':
      return { ...view, value: rules.fold(item.value) }
    case 'delta':
      return { ...view, value: rules.delta(view.value, item.data) }
    case 'caught-up':
      return { ...view, isCaughtUp: true }
    case 'end':
      // No item follows, so the follower has everything.
      return { ...view, isCaughtUp: true, end: item }
  }
}

/** Reads an item of a run. Throws for any other value. */
export function toRunItem(value: unknown): RunItem {
  if (isRunItem(value)) return value
  throw new Error('useRun received no item of a run. Return follow() of a run from the procedure.')
}

/** Whether a value is an item that has the id of the previous item. */
export function isMark(value: unknown): boolean {
  return isRunItem(value) && (value.type === 'caught-up' || value.type === 'end')
}

function isRunItem(value: unknown): value is RunItem {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  return types.has(value.type)
}

const types: ReadonlySet<unknown> = new Set<RunItem['type']>(['fold', 'delta', 'caught-up', 'end'])
