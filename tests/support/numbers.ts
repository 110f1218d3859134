import { createInbox, type Inbox } from './inbox.ts'
/** Numbers that a subscription has received, and where it has gaps. */
export interface Received {
  readonly numbers: readonly number[]
  readonly inbox: Inbox<number>
  /** Handles the argument of tRPC's `onData` for a tracked number. */
  onData(event: { readonly id: string; readonly data: number }): void
  /** Waits until a number has arrived. */
  until(last: number): Promise<void>
}

/** Creates a receiver for the numbers of one subscription. */
export function receiveNumbers(): Received {
  const inbox = createInbox<number>()
  return {
    numbers: inbox.items,
    inbox,
    onData: ({ data }) => inbox.put(data),
    async until(last) {
      while ((await inbox.take()) !== last);
    },
  }
}

/** Returns the numbers from `from` to `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
