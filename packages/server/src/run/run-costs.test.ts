import { describe, expect, it } from 'vitest'
import { range } from '../../../../tests/support/numbers.ts'
import { collect, collectContent, passed, textOf } from '../../../../tests/support/runs.ts'
import { createTextRuns, delta, words } from '../../../../tests/support/text-runs.ts'

describe('a run', () => {
  it('stores many deltas in few writes', async () => {
    let changes = 0
    const { clock, channels, inTime } = createTextRuns((backend) => ({
      ...backend,
      change(...call) {
        changes += 1
        return backend.change(...call)
      },
    }))
    const source = async function* () {
      for (const n of range(1, 1_000)) {
        yield `${n}`
        if (n % 3 === 0) await passed(clock, 20)
      }
    }
    await inTime(channels.job('a').produce(source), 4)
    expect(changes).toBeLessThanOrEqual(60)
    const items = await inTime(collectContent(channels.job('a').follow()))
    expect(items).toEqual(range(1, 1_000).map((n) => delta(`${n}`)))
  })

  it('gives a late follower of 20,000 deltas one fold, and then the tail', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const answer = channels.answer('a')
    const texts = range(1, 20_000).map((n) => `${n} `)
    let more = (): void => {}
    const source = async function* () {
      yield* texts
      await new Promise<void>((resolve) => {
        more = resolve
      })
      yield 'end'
    }
    const producing = answer.produce(source)
    await passed(5_000)
    const following = collectContent(answer.follow())
    await passed(1_000)
    more()
    await inTime(producing)
    const items = await inTime(following)
    expect(items).toHaveLength(2)
    expect(textOf(items)).toBe(`${texts.join('')}end`)
  })

  it('reads its log once for a thousand followers that join together', async () => {
    let reads = 0
    const { clock, channels, inTime } = createTextRuns((backend) => ({
      ...backend,
      read(...call) {
        reads += 1
        return backend.read(...call)
      },
    }))
    await inTime(channels.answer('a').produce(words(...'abcdef')))
    clock.advance(1_000)
    reads = 0
    const followers = range(1, 1_000).map(() => collect(channels.answer('a').follow()))
    const all = await inTime(Promise.all(followers))
    expect(new Set(all.map(textOf))).toEqual(new Set(['abcdef']))
    expect(reads).toBeLessThanOrEqual(3)
  })
})
