/** How a run's folds and deltas become its value. */
export interface ValueRules<TValue> {
  /** Returns the value for a received value of the run's fold. */
  fold(value: unknown): TValue
  /** Returns the value after a delta. */
  delta(value: TValue | undefined, delta: unknown): TValue
}

/** Returns the value after a delta. */
export type ApplyDelta<TValue> = (value: TValue, delta: unknown) => TValue

/** Creates the rules of a run with a fold. */
export function foldRules<TValue>(apply: ApplyDelta<TValue>): ValueRules<TValue> {
  return {
    fold: (value) => value as TValue,
    delta(value, delta) {
      if (value === undefined) throw new Error(deltaBeforeFold)
      const next: unknown = apply(value, delta)
      if (next === undefined) throw new Error(`useRun: apply returned undefined. ${returnValue}`)
      if (isPromise(next)) throw new Error(`useRun: apply returned a promise. ${returnValue}`)
      return next as TValue
    },
  }
}

/**
 * A list of deltas: the first `length` items of an array. Later lists share the array, so that a
 * list of many deltas isn't copied for each of them.
 */
export interface DeltaList {
  readonly shared: unknown[]
  readonly length: number
}

/** The rules of a run without a fold: its value is the list of its deltas. */
export const listRules: ValueRules<DeltaList> = {
  fold() {
    throw new Error(foldWithoutApply)
  },
  delta(list = { shared: [], length: 0 }, delta) {
    const { length } = list
    const shared = list.shared.length === length ? list.shared : list.shared.slice(0, length)
    shared.push(delta)
    return { shared, length: length + 1 }
  },
}

function isPromise(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

const returnValue = 'Return the value after the delta: (value, delta) => …'
const deltaBeforeFold =
  'useRun received a delta, but no value to apply it to. Give the run a fold, or leave out `apply`.'
const foldWithoutApply =
  "useRun received the value of a run's fold. Pass `apply` of that fold, which adds deltas to it."
