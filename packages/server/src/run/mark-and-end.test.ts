import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  collect,
  collectTracked,
  inTime,
  passed,
  scriptedSource,
} from '../../../../tests/support/runs.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

function setup() {
  const clock = manualClock()
  const options = { params: z.string(), event: z.string() }
  const fold = { initial: '', apply: (text: string, delta: string) => text + delta }
  const channels = createChannels({
    backend: memoryBackend({ clock }),
    clock,
    channels: {
      answer: run({ ...options, fold }),
      job: run(options),
      short: run({ ...options, fold, retainEvents: 4 }),
    },
  })
  return { clock, channels }
}

const kinds = ['answer', 'job'] as const
const caughtUp = { type: 'caught-up' }
const completed = { type: 'end', status: 'completed' }

function delta(data: string) {
  return { type: 'delta', data }
}

async function* words(...texts: string[]) {
  yield* texts
}

describe('the mark that a follower has caught up', () => {
  it.each([
    ['answer', [{ type: 'fold', value: 'ab' }]],
    ['job', [delta('a'), delta('b')]],
  ] as const)('follows the deltas that an %s already had', async (kind, before) => {
    const { clock, channels } = setup()
    const { say, source } = scriptedSource()
    const producing = channels[kind]('a').produce(source)
    say('a', 'b')
    await inTime(clock, passed(clock, 500))
    const following = collect(channels[kind]('a').follow())
    await inTime(clock, passed(clock, 500))
    say('c')
    await inTime(clock, passed(clock, 500))
    say(undefined)
    await inTime(clock, producing)
    expect(await inTime(clock, following)).toEqual([...before, caughtUp, delta('c'), completed])
  })

  it.each(kinds)('comes immediately for an %s that has not begun', async (kind) => {
    const { clock, channels } = setup()
    const items = channels[kind]('a').follow()[Symbol.asyncIterator]()
    const first = kind === 'answer' ? [{ type: 'fold', value: '' }, caughtUp] : [caughtUp]
    for (const item of first) {
      const { value } = await inTime(clock, items.next())
      expect([...(value ?? [])].slice(0, 2)).toEqual(['snapshot', item])
    }
    await items.return?.()
  })

  it.each(kinds)('comes again for a follower of an %s that resumes', async (kind) => {
    const { clock, channels } = setup()
    const { say, source } = scriptedSource()
    const producing = channels[kind]('a').produce(source)
    const leaving = new AbortController()
    const before = collectTracked(channels[kind]('a').follow({ signal: leaving.signal }))
    say('a')
    await inTime(clock, passed(clock, 500))
    leaving.abort()
    const [lastEventId = ''] = (await before).at(-1) ?? []
    say('b')
    await inTime(clock, passed(clock, 500))
    const resumed = collect(channels[kind]('a').follow({ lastEventId }))
    await inTime(clock, passed(clock, 500))
    say('c', undefined)
    await inTime(clock, producing)
    const after = [delta('b'), caughtUp, delta('c'), completed]
    expect(await inTime(clock, resumed)).toEqual(after)
  })

  it('comes again after a fold that replaces missing deltas', async () => {
    const { clock, channels } = setup()
    const { say, source } = scriptedSource()
    const producing = channels.short('a').produce(source)
    const leaving = new AbortController()
    const early = collectTracked(channels.short('a').follow({ signal: leaving.signal }))
    for (const text of 'abcdefghijkl') {
      say(text)
      await inTime(clock, passed(clock, 500))
    }
    leaving.abort()
    const [, , [lastEventId = ''] = []] = await inTime(clock, early)
    const resumed = collect(channels.short('a').follow({ lastEventId }))
    await inTime(clock, passed(clock, 500))
    say(undefined)
    await inTime(clock, producing)
    expect(await inTime(clock, resumed)).toEqual([
      { type: 'fold', value: 'abcdefghijkl' },
      caughtUp,
      completed,
    ])
  })
})

describe('the last item', () => {
  it.each(kinds)('of a stopped %s has the status and the reason', async (kind) => {
    const { clock, channels } = setup()
    const following = collect(channels[kind]('a').follow())
    await inTime(clock, channels[kind]('a').stop({ reason: 'enough' }))
    const end = { type: 'end', status: 'stopped', reason: 'enough' }
    expect((await inTime(clock, following)).at(-1)).toEqual(end)
    clock.advance(200)
    expect((await inTime(clock, collect(channels[kind]('a').follow()))).at(-1)).toEqual(end)
  })

  it.each(kinds)('is not sent again to a follower of an %s that already has it', async (kind) => {
    const { clock, channels } = setup()
    await inTime(clock, channels[kind]('a').produce(words('a')))
    const items = await inTime(clock, collectTracked(channels[kind]('a').follow()))
    const [lastEventId = '', end] = items.at(-1) ?? []
    expect(end).toEqual(completed)
    expect(await collect(channels[kind]('a').follow({ lastEventId }))).toEqual([])
  })

  it.each(kinds)(
    'of a failed %s says so, and an error follows, even after a resume',
    async (kind) => {
      const { clock, channels } = setup()
      await inTime(
        clock,
        channels[kind]('a').produce(async () => JSON.parse('')),
      )
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
        await expect(inTime(clock, following)).rejects.toMatchObject({
          code: 'UNPROCESSABLE_CONTENT',
        })
        expect(items.slice(-2)).toEqual([caughtUp, end])
      }
    },
  )
})
