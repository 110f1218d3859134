import { expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { settled } from '../../../../tests/support/runs.ts'
import { createCodec } from '../codec/codec.ts'
import { FoldCache, type FoldOptions } from './fold.ts'

function setup() {
  const clock = manualClock()
  const options: FoldOptions = {
    fold: { initial: 'value', apply: (value) => value },
    codec: createCodec(undefined),
    readEntries: async () => ({
      state: undefined,
      statusText: null,
      lease: null,
      fold: undefined,
      lastEventId: '1-0',
    }),
    readPage: async () => ({ events: [], lastEventId: '1-0' }),
  }
  const cache = new FoldCache(clock)
  return {
    clock,
    read: (outdated?: Awaited<ReturnType<FoldCache['read']>>) =>
      cache.read('log', options, outdated),
  }
}

it('a value is shared by all readers for 100 ms', async () => {
  const { clock, read } = setup()
  const value = await read()
  await settled()
  clock.advance(99)
  expect(await read()).toBe(value)
  clock.advance(1)
  expect(await read()).not.toBe(value)
})

it('a follower never gets an outdated value again, and all share the next one', async () => {
  const { read } = setup()
  const value = await read()
  await settled()
  const [next, other] = await Promise.all([read(value), read(value)])
  expect(next).not.toBe(value)
  expect(other).toBe(next)
  await settled()
  expect(await read()).toBe(next)
})
