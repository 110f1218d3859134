/** The items that have arrived, in order, and a way to wait for the next ones. */
export interface Inbox<TItem> {
  readonly items: readonly TItem[]
  put(item: TItem): void
  /** Takes the oldest item that hasn't been taken. Waits for it if there is none. */
  take(): Promise<TItem>
  /** Takes the next `count` items. */
  takeMany(count: number): Promise<TItem[]>
}

/** Creates an inbox, so that a test waits for events, not for time to pass. */
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
