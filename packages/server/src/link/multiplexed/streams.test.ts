import { systemClock } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import type { MultiplexedStream } from './stream.ts'
import { createMultiplexer } from './streams.ts'

it('a change of a stream that ends while it is looked up whose that is starts nothing', async () => {
  const multiplexer = createMultiplexer({
    backend: undefined,
    clock: systemClock,
    subscriptionsPerConnection: 1,
  })
  const replaced: unknown[] = []
  const stream = { onClose() {}, replace: (set: unknown) => replaced.push(set) }
  let tellOwner = (_owner: string): void => {}
  const owner = new Promise<string>((resolve) => {
    tellOwner = resolve
  })
  const connectionId = multiplexer.add(stream as unknown as MultiplexedStream, () => owner)
  const set = { version: 1, revision: 2, subscriptions: { late: { path: 'late' } } } as const
  const answer = multiplexer.control({ connectionId, owner: 'ann', set }, () => false)
  stream.onClose()
  tellOwner('ann')
  expect(await answer).toEqual({ type: 'unknown' })
  expect(replaced).toEqual([])
})
