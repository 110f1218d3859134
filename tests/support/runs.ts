import type { Clock } from '@trpc-sse/protocol'
import type { RunItem } from '@trpc-sse/server'
import { createInbox } from './inbox.ts'

/** Lets timers run until a promise settles. */
export async function inTime<T>(
  clock: { advance(ms: number): void },
  work: Promise<T>,
  stepMs = 20,
): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  work.then(over, over)
  for (let i = 0; i < 5_000 && !isOver; i++) {
    clock.advance(stepMs)
    await settled()
  }
  if (!isOver) throw new Error('It has not settled in 5,000 steps of time.')
  return await work
}

/** Resolves after everything that is due now. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Collects the folds and deltas of a follower until its subscription ends. */
export async function collectContent(subscription: AsyncIterable<unknown>): Promise<unknown[]> {
  const items = await collect(subscription)
  return items.filter((item) => /^(fold|delta)$/.test((item as { readonly type: string }).type))
}

/** Combines the items of a follower of texts into the value that it shows. */
export function textOf(items: readonly unknown[]): string {
  let text = 'nothing yet'
  for (const item of items as readonly RunItem<string, string>[]) {
    if (item.type === 'fold') text = item.value
    if (item.type === 'delta') text += item.data
  }
  return text
}

/** Collects the data of a subscription until it ends. */
export async function collect(subscription: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of subscription) items.push((item as readonly unknown[])[1])
  return items
}

/** Collects the items of a subscription with their ids. */
export async function collectTracked(
  subscription: AsyncIterable<unknown>,
): Promise<[id: string, item: unknown][]> {
  const items: [string, unknown][] = []
  for await (const item of subscription) items.push([...(item as [string, unknown])])
  return items
}

/** Resolves when `ms` have passed on the clock. */
export function passed(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}

interface ResumedFrom {
  readonly value?: unknown
  readonly deltas: number
}

/**
 * Creates a source that yields the texts passed to `say`, and ends at `undefined`. `starts` has what
 * it was resumed from at each start.
 */
export function scriptedSource() {
  const orders = createInbox<{ readonly text: string | undefined }>()
  const starts: (ResumedFrom | undefined)[] = []
  return {
    starts,
    say(...texts: (string | undefined)[]) {
      for (const text of texts) orders.put({ text })
    },
    async *source({ resumeFrom }: { readonly resumeFrom?: ResumedFrom | undefined } = {}) {
      starts.push(resumeFrom)
      for (;;) {
        const { text } = await orders.take()
        if (text === undefined) return
        yield text
      }
    },
  }
}
