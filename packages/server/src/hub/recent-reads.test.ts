import { expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { settled } from '../../../../tests/support/runs.ts'
import { RecentReads } from './recent-reads.ts'

function setup() {
  const clock = manualClock()
  const recent = new RecentReads<object>(clock)
  return {
    clock,
    read: (outdated?: object) =>
      recent.read(
        'log',
        async () => ({}),
        (result) => result === outdated,
      ),
  }
}

it('a result is shared for 100 ms by all who ask', async () => {
  const { clock, read } = setup()
  const result = await read()
  await settled()
  clock.advance(99)
  expect(await read()).toBe(result)
  clock.advance(1)
  expect(await read()).not.toBe(result)
})

it('a reader whose log does not go on from a result never gets it again, and the others share the next', async () => {
  const { read } = setup()
  const result = await read()
  await settled()
  const [next, other] = await Promise.all([read(result), read(result)])
  expect(next).not.toBe(result)
  expect(other).toBe(next)
  await settled()
  expect(await read()).toBe(next)
})
