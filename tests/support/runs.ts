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

/** Collects the data of a subscription until it ends. */
export async function collect(subscription: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of subscription) items.push((item as readonly unknown[])[1])
  return items
}
