/** The combined value of a run's deltas at one position. It replaces the value. */
export interface FoldItem<TValue> {
  readonly type: 'fold'
  readonly value: TValue
}

/** A delta that a run's producer has yielded. */
export interface DeltaItem<TDelta> {
  readonly type: 'delta'
  readonly data: TDelta
}

/** The follower has everything that existed when it joined. */
export interface CaughtUpItem {
  readonly type: 'caught-up'
}

/** The last item: the run has ended, or nobody has started it in time. */
export interface EndItem {
  readonly type: 'end'
  readonly status: 'completed' | 'stopped' | 'failed' | 'abandoned' | 'none'
  /** The reason why it was stopped, or failed, if known. */
  readonly reason?: string
}

/** An item that a follower of a run gets. */
export type RunItem = FoldItem<unknown> | DeltaItem<unknown> | CaughtUpItem | EndItem

/** The value of a run with a fold; `never` without one. */
export type FoldOf<TItem> = TItem extends FoldItem<infer TValue> ? TValue : never

/** The type of a run's deltas. */
export type DeltaOf<TItem> = TItem extends DeltaItem<infer TDelta> ? TDelta : never

/**
 * The value of a run. With a fold, it is `undefined` until the first item arrives. Without a fold,
 * it is the list of deltas.
 */
export type ValueOf<TItem> = [FoldOf<TItem>] extends [never]
  ? ReadonlyArray<DeltaOf<TItem>>
  : FoldOf<TItem> | undefined
