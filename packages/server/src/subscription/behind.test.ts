import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { range } from '../../../../tests/support/numbers.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import type { BehindPolicy } from '../hub/behind.ts'

const behindEvents = 10

function setup(whenBehind: BehindPolicy, backend: Backend = memoryBackend()) {
  const onError = vi.fn()
  const channels = createChannels({
    backend,
    onError,
    channels: { numbers: channel({ event: z.number(), whenBehind, behindEvents }) },
  })
  return {
    channels,
    onError,
    numbers: channels.numbers(),
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

/** Starts reading. Returns a function that waits for the next events. */
function read(subscription: ReturnType<ReturnType<typeof setup>['numbers']['subscribe']>) {
  const iterator = subscription[Symbol.asyncIterator]()
  return async (count: number): Promise<number[]> => {
    const numbers: number[] = []
    while (numbers.length < count) {
      const { value } = await iterator.next()
      if (value) numbers.push(value[1])
    }
    return numbers
  }
}

describe('a subscription that is too far behind', () => {
  it.each([10, 11])(
    'continues at the newest event after one gap, if it is more than 10 behind: %i',
    async (missed) => {
      await using s = setup('latest')
      const { id } = await s.numbers.publish(0)
      await s.numbers.publishMany(range(1, missed))
      const next = read(s.numbers.subscribe({ lastEventId: id }))
      const [first = 0] = await next(1)
      expect(first).toBe(missed > behindEvents ? missed : 1)
      await s.numbers.publish(100)
      expect((await next(missed - first + 1)).at(-1)).toBe(100)
      const gaps = s.onError.mock.calls.map(([error]) => error.message)
      expect(gaps).toEqual(
        missed > behindEvents ? [expect.stringContaining(`Events after ${id}`)] : [],
      )
    },
  )

  it('is also recognized by a process that has just started', async () => {
    const backend = memoryBackend()
    const before = setup('latest', backend)
    const { id } = await before.numbers.publish(0)
    const [one] = await before.numbers.publishMany(range(1, 100))
    const after = setup('latest', backend)
    expect(await read(after.numbers.subscribe({ lastEventId: one?.id }))(1)).toEqual([100])
    const near = (await before.numbers.history({ last: 6 })).events[0]?.id
    expect(await read(after.numbers.subscribe({ lastEventId: near }))(5)).toEqual(range(96, 100))
    expect(await read(after.numbers.subscribe({ lastEventId: id }))(1)).toEqual([100])
    await backend.close()
  })

  it('gets its whole replay', async () => {
    await using s = setup('latest')
    await s.numbers.publishMany(range(1, 30))
    expect(await read(s.numbers.subscribe({ replay: 25 }))(25)).toEqual(range(6, 30))
  })

  it('skips, and reports a gap, each time that it falls behind', async () => {
    await using s = setup('latest')
    const next = read(s.numbers.subscribe())
    const started = next(1)
    await s.numbers.publish(1)
    expect(await started).toEqual([1])
    for (const last of [21, 41]) {
      await s.numbers.publishMany(range(last - 19, last))
      expect(await next(1)).toEqual([last])
    }
    expect(s.onError).toHaveBeenCalledTimes(2)
  })

  it('ends with a retryable error if it is iterated and the policy is disconnect', async () => {
    await using s = setup('disconnect')
    const next = read(s.numbers.subscribe())
    const started = next(1)
    const { id } = await s.numbers.publish(0)
    await started
    await s.numbers.publishMany(range(1, 11))
    await expect(next(1)).rejects.toMatchObject({ code: 'TOO_FAR_BEHIND', retryable: true })
    expect(await read(s.numbers.subscribe({ lastEventId: id }))(11)).toEqual(range(1, 11))
  })

  it('gets everything by default', async () => {
    await using s = setup('catchUp')
    const { id } = await s.numbers.publish(0)
    await s.numbers.publishMany(range(1, 500))
    expect(await read(s.numbers.subscribe({ lastEventId: id }))(500)).toEqual(range(1, 500))
  })

  it('must have a known policy', () => {
    expect(() => channel({ event: z.number(), whenBehind: 'latets' as 'latest' })).toThrow(
      'whenBehind is "latets"',
    )
    expect(() => channel({ event: z.number(), behindEvents: 0 })).toThrow('behindEvents is 0')
  })
})
