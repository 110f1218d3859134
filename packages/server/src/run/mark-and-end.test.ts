import { describe, expect, it } from 'vitest'
import { collect, collectTracked, scriptedSource } from '../../../../tests/support/runs.ts'
import {
  caughtUp,
  completed,
  createTextRuns,
  delta,
  folded,
  kinds,
  words,
} from '../../../../tests/support/text-runs.ts'

describe('the mark that a follower has caught up', () => {
  it.each([
    ['answer', [folded('ab')]],
    ['job', [delta('a'), delta('b')]],
  ] as const)('follows the deltas that an %s already had', async (kind, before) => {
    const { channels, inTime, passed } = createTextRuns()
    const { say, source } = scriptedSource()
    const producing = channels[kind]('a').produce(source)
    say('a', 'b')
    await passed(500)
    const following = collect(channels[kind]('a').follow())
    await passed(500)
    say('c')
    await passed(500)
    say(undefined)
    await inTime(producing)
    expect(await inTime(following)).toEqual([...before, caughtUp, delta('c'), completed])
  })

  it.each(kinds)('comes immediately for an %s that has not begun', async (kind) => {
    const { channels, inTime } = createTextRuns()
    const items = channels[kind]('a').follow()[Symbol.asyncIterator]()
    const first = kind === 'answer' ? [folded(''), caughtUp] : [caughtUp]
    for (const item of first) {
      const { value } = await inTime(items.next())
      expect([...(value ?? [])].slice(0, 2)).toEqual(['snapshot', item])
    }
    await items.return?.()
  })

  it.each(kinds)('comes again for a follower of an %s that resumes', async (kind) => {
    const { channels, inTime, passed } = createTextRuns()
    const { say, source } = scriptedSource()
    const producing = channels[kind]('a').produce(source)
    const leaving = new AbortController()
    const before = collectTracked(channels[kind]('a').follow({ signal: leaving.signal }))
    say('a')
    await passed(500)
    leaving.abort()
    const [lastEventId = ''] = (await before).at(-1) ?? []
    say('b')
    await passed(500)
    const resumed = collect(channels[kind]('a').follow({ lastEventId }))
    await passed(500)
    say('c', undefined)
    await inTime(producing)
    const after = [delta('b'), caughtUp, delta('c'), completed]
    expect(await inTime(resumed)).toEqual(after)
  })

  it('comes again after a fold that replaces missing deltas', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const { say, source } = scriptedSource()
    const producing = channels.short('a').produce(source)
    const leaving = new AbortController()
    const early = collectTracked(channels.short('a').follow({ signal: leaving.signal }))
    for (const text of 'abcdefghijkl') {
      say(text)
      await passed(500)
    }
    leaving.abort()
    const [, , [lastEventId = ''] = []] = await inTime(early)
    const resumed = collect(channels.short('a').follow({ lastEventId }))
    await passed(500)
    say(undefined)
    await inTime(producing)
    expect(await inTime(resumed)).toEqual([folded('abcdefghijkl'), caughtUp, completed])
  })
})

describe('the last item', () => {
  it.each(kinds)('of a stopped %s has the status and the reason', async (kind) => {
    const { clock, channels, inTime } = createTextRuns()
    const following = collect(channels[kind]('a').follow())
    await inTime(channels[kind]('a').stop({ reason: 'enough' }))
    const end = { type: 'end', status: 'stopped', reason: 'enough' }
    expect((await inTime(following)).at(-1)).toEqual(end)
    clock.advance(200)
    expect((await inTime(collect(channels[kind]('a').follow()))).at(-1)).toEqual(end)
  })

  it.each(kinds)('is not sent again to a follower of an %s that already has it', async (kind) => {
    const { channels, inTime } = createTextRuns()
    await inTime(channels[kind]('a').produce(words('a')))
    const items = await inTime(collectTracked(channels[kind]('a').follow()))
    const [lastEventId = '', end] = items.at(-1) ?? []
    expect(end).toEqual(completed)
    expect(await collect(channels[kind]('a').follow({ lastEventId }))).toEqual([])
  })

  it.each(kinds)(
    'of a failed %s says so, and an error follows, even after a resume',
    async (kind) => {
      const { channels, inTime } = createTextRuns()
      await inTime(channels[kind]('a').produce(async () => JSON.parse('')))
      const end = { type: 'end', status: 'failed' }
      let lastEventId = ''
      for (const _ of ['first', 'resumed']) {
        const items: unknown[] = []
        const following = (async () => {
          for await (const [id, item] of channels[kind]('a').follow({ lastEventId })) {
            items.push(item)
            lastEventId = id
          }
        })()
        await expect(inTime(following)).rejects.toMatchObject({
          code: 'UNPROCESSABLE_CONTENT',
        })
        expect(items.slice(-2)).toEqual([caughtUp, end])
      }
    },
  )
})
