/** What has happened, in order, and what happens next. */
export interface Inbox<TItem> {
  readonly items: readonly TItem[]
  put(item: TItem): void
  /** Gives the oldest item that was not taken yet; waits for it. */
  take(): Promise<TItem>
  /** Gives the next `count` items. */
  takeMany(count: number): Promise<TItem[]>
}

/** Creates an inbox, so that a test waits for what happens, not for time to pass. */
export function createInbox<TItem>(): Inbox<TItem> {
  const items: TItem[] = []
  const waiting: Array<(item: TItem) => void> = []
  let taken = 0
  async function take(): Promise<TItem> {
    const item = items[taken++]
    return item ?? new Promise((resolve) => waiting.push(resolve))
  }
  return {
    items,
    put(item) {
      items.push(item)
      waiting.shift()?.(item)
    },
    take,
    takeMany: (count) => Promise.all(Array.from({ length: count }, take)),
  }
}
