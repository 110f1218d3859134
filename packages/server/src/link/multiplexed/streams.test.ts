import { systemClock } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import { type ChangeableStream, MultiplexedStreams } from './streams.ts'

it('a stream that ends while its owner is computed is not changed', async () => {
  const streams = new MultiplexedStreams({
    backend: undefined,
    clock: systemClock,
    subscriptionsPerConnection: 1,
  })
  const replaced: unknown[] = []
  const stream: ChangeableStream = {
    revision: 1,
    end() {},
    onClose() {},
    replace: (set) => replaced.push(set),
    changeWaitMs: () => 0,
  }
  let tellOwner = (_owner: string): void => {}
  const owner = new Promise<string>((resolve) => {
    tellOwner = resolve
  })
  const connectionId = streams.add(stream, () => owner)
  const set = { version: 1, revision: 2, subscriptions: { late: { path: 'late' } } } as const
  const answer = streams.control({ connectionId, owner: 'ann', set }, () => false)
  stream.onClose()
  tellOwner('ann')
  expect(await answer).toEqual({ type: 'unknown' })
  expect(replaced).toEqual([])
})
