import { describe, expect, it } from 'vitest'
import { z } from 'zod'
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
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

describe('a follower that resumes', () => {
  it.each(kinds)('after any item of an ended %s gets the rest and the end', async (kind) => {
    const { clock, channels, inTime } = createTextRuns()
    const handle = channels[kind]('a')
    const early = collectTracked(handle.follow())
    await inTime(handle.produce(words('a', 'b', 'c')))
    clock.advance(200)
    const late = await inTime(collectTracked(handle.follow()))
    const items = [...(await inTime(early)), ...late]
    expect(items.length).toBeGreaterThan(2)
    for (const [lastEventId] of items) {
      clock.advance(200)
      const rest = await inTime(collect(handle.follow({ lastEventId })))
      expect(rest.length).toBeLessThan(6)
    }
    const [lastEventId = ''] = items.at(-1) ?? []
    expect(await inTime(collect(handle.follow({ lastEventId })))).toEqual([])
  })

  it.each(kinds)('from before the start of an %s gets all of it', async (kind) => {
    const { channels, inTime, passed } = createTextRuns()
    const handle = channels[kind]('a')
    const leaving = new AbortController()
    const before = collectTracked(handle.follow({ signal: leaving.signal }))
    await passed(100)
    leaving.abort()
    const [[lastEventId = 'snapshot'] = []] = await before
    await inTime(handle.produce(words('a', 'b')))
    const all = kind === 'job' ? [delta('a'), delta('b')] : [folded('ab')]
    const items = await inTime(collect(handle.follow({ lastEventId })))
    expect(items).toEqual([...all, caughtUp, completed])
  })

  it.each(kinds)('in an %s that was forgotten gets an error', async (kind) => {
    const { clock, channels, inTime } = createTextRuns()
    const handle = channels[kind]('a')
    const early = collectTracked(handle.follow())
    await inTime(handle.produce(words('a', 'b')))
    const [lastEventId = ''] = (await inTime(early)).at(-2) ?? []
    clock.advance(61_000)
    expect((await inTime(handle.status())).status).toBe('none')
    await expect(inTime(collect(handle.follow({ lastEventId })))).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: expect.stringContaining('no longer'),
    })
  })

  it.each(kinds)('with an id that comes after the end gets the end: %s', async (kind) => {
    const { clock, channels, inTime } = createTextRuns()
    const handle = channels[kind]('a')
    await inTime(handle.produce(words('a', 'b')))
    const lastEventId = `${clock.now() + 1_000_000}-0`
    const items = await inTime(collect(handle.follow({ lastEventId })))
    expect(items.at(-1)).toEqual(completed)
  })

  it('with the id of another run gets the value', async () => {
    const { clock, channels, inTime } = createTextRuns()
    await inTime(channels.answer('a').produce(words('a')))
    await inTime(channels.answer('b').produce(words('b')))
    for (const lastEventId of ['1-1', '9999999999999-1', 'snapshot']) {
      clock.advance(200)
      expect(await inTime(collect(channels.answer('b').follow({ lastEventId })))).toEqual([
        folded('b'),
        caughtUp,
        completed,
      ])
    }
  })

  it.each(['__proto__', '1', '-', '1-1-1', 'x'.repeat(10_000)])(
    'with the invalid id %o gets an error',
    async (lastEventId) => {
      const { channels, inTime } = createTextRuns()
      for (const kind of kinds) {
        const following = collect(channels[kind]('a').follow({ lastEventId }))
        await expect(inTime(following)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      }
    },
  )
})

describe('a follower', () => {
  it.each([
    ['its end', { events: () => [] }],
    ['its status', { entries: () => [] }],
  ] as const)('of a run that has lost %s gets an error', async (_, lose) => {
    const { channels, inTime, passed } = createTextRuns(({ read, entries, ...backend }) => ({
      ...backend,
      async read(...call) {
        return { ...(await read(...call)), ...('events' in lose && { events: lose.events() }) }
      },
      async entries(...call) {
        if ('entries' in lose) return { entries: [], lastEventId: '1-0' }
        return await entries(...call)
      },
    }))
    const handle = channels.answer('a')
    void handle.produce(async function* () {
      yield 'a'
      await new Promise(() => {})
    })
    await passed(500)
    if ('events' in lose) await handle.stop()
    await expect(inTime(collect(handle.follow()))).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      message: expect.stringContaining('lost'),
    })
  })

  it.each([
    ['begins', '', 'ab'],
    ['is trimmed', 'abcdef', 'ghijklmnop'],
  ])('of a run that %s while it is read gets its value', async (_, before, meanwhile) => {
    const { say, source } = scriptedSource()
    let race: (() => Promise<void>) | undefined
    const { channels, inTime, passed } = createTextRuns(({ entries, ...backend }) => ({
      ...backend,
      async entries(...call) {
        const page = await entries(...call)
        const racing = race
        race = undefined
        await racing?.()
        return page
      },
    }))
    const handle = channels.short('a')
    const store = async (texts: string): Promise<void> => {
      if (texts) producing ??= handle.produce(source)
      for (const text of texts) {
        say(text)
        await passed(500)
      }
    }
    let producing: Promise<unknown> | undefined
    await inTime(store(before))
    race = () => store(meanwhile)
    const items = handle.follow()[Symbol.asyncIterator]()
    const first = await inTime(items.next())
    expect([...(first.value ?? [])][1]).toEqual(folded(before + meanwhile))
    await items.return?.()
    say(undefined)
    await inTime(Promise.resolve(producing))
  })

  it('of a run whose process is gone gets an error within two seconds of the end of its lease', async () => {
    let isGone = false
    const { clock, channels, inTime, passed } = createTextRuns(({ change, ...backend }) => ({
      ...backend,
      async change(...call) {
        if (isGone) await new Promise(() => {})
        return await change(...call)
      },
    }))
    const followers = [channels.answer('a'), channels.job('a')].map(async (handle) => {
      const { say, source } = scriptedSource()
      void handle.produce(source)
      say('a')
      const error: unknown = await collect(handle.follow()).catch((reason: unknown) => reason)
      return { error, atMs: clock.now() }
    })
    await passed(25_000)
    isGone = true
    const goneAtMs = clock.now()
    for (const { error, atMs } of await inTime(Promise.all(followers))) {
      expect(error).toMatchObject({ code: 'CONFLICT' })
      // The lease is 10 seconds, and was renewed before.
      expect(atMs - goneAtMs).toBeLessThanOrEqual(12_000)
    }
  })

  it('may use any text as params', async () => {
    const { channels, inTime } = createTextRuns()
    for (const id of ['__proto__', 'constructor', '', ' ', '\u0000', '💥', '*', '{x}']) {
      const handle = channels.answer(id)
      await inTime(handle.produce(words(id, '!')))
      expect((await inTime(handle.status())).value).toBe(`${id}!`)
    }
  })
})

describe('createChannels', () => {
  it('refuses a run on a backend without entries', () => {
    const { change: _, entries: __, ...backend } = memoryBackend()
    const job = run({ event: z.string() })
    expect(() => createChannels({ backend, channels: { job } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})
