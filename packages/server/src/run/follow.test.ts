import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { collect, inTime } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

function setup(change: (backend: Backend) => Backend = (backend) => backend) {
  const clock = manualClock()
  const options = { params: z.string(), event: z.string(), keepForMs: 60_000 }
  const channels = createChannels({
    backend: change(memoryBackend({ clock })),
    clock,
    channels: {
      answer: run({ ...options, fold: { initial: '', apply: (text, delta) => text + delta } }),
      job: run(options),
    },
  })
  return { clock, channels }
}

async function* words(...texts: string[]) {
  yield* texts
}

/** Collects ids and items. */
async function collectTracked(subscription: AsyncIterable<unknown>): Promise<[string, unknown][]> {
  const items: [string, unknown][] = []
  for await (const item of subscription) items.push([...(item as [string, unknown])])
  return items
}

const kinds = ['answer', 'job'] as const

describe('a follower that resumes', () => {
  it.each(kinds)(
    'after any item of an %s that has ended gets the rest and the end',
    async (kind) => {
      const { clock, channels } = setup()
      const handle = channels[kind]('a')
      const early = collectTracked(handle.follow())
      await inTime(clock, handle.produce(words('a', 'b', 'c')))
      clock.advance(200)
      const late = await inTime(clock, collectTracked(handle.follow()))
      const items = [...(await inTime(clock, early)), ...late]
      expect(items.length).toBeGreaterThan(2)
      for (const [lastEventId] of items) {
        clock.advance(200)
        const rest = await inTime(clock, collect(handle.follow({ lastEventId })))
        expect(rest.length).toBeLessThan(4)
      }
      const [lastEventId = ''] = items.at(-1) ?? []
      expect(await inTime(clock, collect(handle.follow({ lastEventId })))).toEqual([])
    },
  )

  it.each(kinds)('before the start of an %s gets all of it', async (kind) => {
    const { clock, channels } = setup()
    const handle = channels[kind]('a')
    const leaving = new AbortController()
    const before = collectTracked(handle.follow({ signal: leaving.signal }))
    await inTime(clock, new Promise((resolve) => clock.after(100, () => resolve(undefined))))
    leaving.abort()
    const [[lastEventId = 'snapshot'] = []] = await before
    await inTime(clock, handle.produce(words('a', 'b')))
    const all = kind === 'job' ? [delta('a'), delta('b')] : [{ type: 'fold', value: 'ab' }]
    expect(await inTime(clock, collect(handle.follow({ lastEventId })))).toEqual(all)
  })

  it.each(kinds)('in an %s that is no longer remembered gets an error', async (kind) => {
    const { clock, channels } = setup()
    const handle = channels[kind]('a')
    const early = collectTracked(handle.follow())
    await inTime(clock, handle.produce(words('a', 'b')))
    const [lastEventId = ''] = (await inTime(clock, early)).at(-1) ?? []
    clock.advance(61_000)
    expect((await inTime(clock, handle.status())).status).toBe('none')
    await expect(inTime(clock, collect(handle.follow({ lastEventId })))).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: expect.stringContaining('no longer'),
    })
  })

  it('with the id of another run gets the value', async () => {
    const { clock, channels } = setup()
    await inTime(clock, channels.answer('a').produce(words('a')))
    await inTime(clock, channels.answer('b').produce(words('b')))
    for (const lastEventId of ['1-1', '9999999999999-1', 'snapshot']) {
      clock.advance(200)
      expect(await inTime(clock, collect(channels.answer('b').follow({ lastEventId })))).toEqual([
        { type: 'fold', value: 'b' },
      ])
    }
  })

  it.each(['__proto__', '1', '-', '1-1-1', 'x'.repeat(10_000)])(
    'with %o, which is no id, gets an error',
    async (lastEventId) => {
      const { clock, channels } = setup()
      for (const kind of kinds) {
        const following = collect(channels[kind]('a').follow({ lastEventId }))
        await expect(inTime(clock, following)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      }
    },
  )
})

describe('a follower', () => {
  it.each([
    ['its end', { events: () => [] }],
    ['its status', { entries: () => [] }],
  ] as const)('of a run that has lost %s gets an error', async (_, lose) => {
    const { clock, channels } = setup(({ read, entries, ...backend }) => ({
      ...backend,
      async read(...call) {
        return { ...(await read(...call)), ...('events' in lose && { events: lose.events() }) }
      },
      async entries(...call) {
        if ('entries' in lose || !entries) return { entries: [], lastEventId: '1-0' }
        return await entries(...call)
      },
    }))
    const handle = channels.answer('a')
    void handle.produce(async function* () {
      yield 'a'
      await new Promise(() => {})
    })
    await inTime(clock, new Promise((resolve) => clock.after(500, () => resolve(undefined))))
    if ('events' in lose) await handle.stop()
    await expect(inTime(clock, collect(handle.follow()))).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: expect.stringContaining('lost'),
    })
  })

  it('may have params of any text', async () => {
    const { clock, channels } = setup()
    for (const id of ['__proto__', 'constructor', '', ' ', '\u0000', '💥', '*', '{x}']) {
      const handle = channels.answer(id)
      await inTime(clock, handle.produce(words(id, '!')))
      expect((await inTime(clock, handle.status())).value).toBe(`${id}!`)
    }
  })
})

describe('createChannels', () => {
  it('refuses a run on a backend that keeps no entries', () => {
    const { change: _, entries: __, ...backend } = memoryBackend()
    const job = run({ event: z.string() })
    expect(() => createChannels({ backend, channels: { job } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

function delta(data: string) {
  return { type: 'delta', data }
}
