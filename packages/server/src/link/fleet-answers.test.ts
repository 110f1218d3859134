import { expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { Answers } from './fleet-answers.ts'

const answer = (from: string, count: number): string => JSON.stringify({ order: 'o', from, count })

/** Collects answers on a clock that the test controls. */
function setup(expected?: readonly string[]) {
  const clock = manualClock()
  const answers = new Answers(clock, 'o', expected && new Set(expected))
  let result: { readonly count: number; readonly from: ReadonlySet<string> } | undefined
  void answers.all().then((all) => {
    result = all
  })
  const after = async (ms: number) => {
    clock.advance(ms)
    await Promise.resolve()
    await Promise.resolve()
    return result && { count: result.count, from: [...result.from] }
  }
  return { answers, after }
}

it('while no instance is known, waits for as long as it may', async () => {
  const { answers, after } = setup()
  answers.receive(answer('a', 2))
  expect(await after(899)).toBeUndefined()
  answers.receive(answer('b', 1))
  expect(await after(1)).toEqual({ count: 3, from: ['a', 'b'] })
})

it('waits for instances that answered before, and a while for new ones', async () => {
  const { answers, after } = setup(['a', 'b'])
  answers.receive(answer('a', 2))
  expect(await after(600)).toBeUndefined()
  answers.receive(answer('b', 1))
  expect(await after(249)).toBeUndefined()
  answers.receive(answer('c', 4))
  expect(await after(50)).toBeUndefined()
  expect(await after(1)).toEqual({ count: 7, from: ['a', 'b', 'c'] })
})

it('does not wait longer than that for an instance that is gone', async () => {
  const { answers, after } = setup(['a', 'gone'])
  answers.receive(answer('a', 2))
  expect(await after(900)).toEqual({ count: 2, from: ['a'] })
})

it('where no other instance was, waits only for a new one', async () => {
  const { after } = setup([])
  expect(await after(249)).toBeUndefined()
  expect(await after(1)).toEqual({ count: 0, from: [] })
})

it.each(['', 'null', '{', '{"order":"o"}', '{"order":"other","from":"a","count":9}'])(
  'ignores the text %j',
  async (text) => {
    const { answers, after } = setup([])
    answers.receive(text)
    expect(await after(250)).toEqual({ count: 0, from: [] })
  },
)
