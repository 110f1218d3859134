import { describe, expect, it } from 'vitest'
import { collect, scriptedSource } from '../../../../tests/support/runs.ts'
import {
  caughtUp,
  createTextRuns,
  delta,
  folded,
  kinds,
} from '../../../../tests/support/text-runs.ts'
import type { ChannelLog } from '../backend/backend.ts'

/** Reads a subscription until it ends. Returns its items and its error. */
async function readAll(subscription: AsyncIterable<unknown>) {
  const items: unknown[] = []
  try {
    for await (const item of subscription) items.push((item as readonly unknown[])[1])
    return { items, error: undefined }
  } catch (error) {
    return { items, error }
  }
}

const notStarted = { type: 'end', status: 'none' }

describe.each(kinds)('a follower of an %s that nobody starts', (kind) => {
  const first = kind === 'answer' ? [folded('')] : []

  it('gets the status none and an error after a minute', async () => {
    const { clock, channels, inTime } = createTextRuns()
    const startedAt = clock.now()
    const { items, error } = await inTime(readAll(channels[kind]('a').follow()))
    expect(items).toEqual([...first, caughtUp, notStarted])
    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      message: 'The run has not begun in time (waitForStartMs). Start it, and follow it again.',
      cause: { code: 'RUN_NOT_STARTED' },
    })
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(60_000)
    expect(clock.now() - startedAt).toBeLessThan(61_000)
    expect(await inTime(channels[kind]('a').status())).toMatchObject({ status: 'none' })
  })

  it('waits for the time that it gives', async () => {
    const { clock, channels, inTime } = createTextRuns()
    const startedAt = clock.now()
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 5_000 }))
    expect((await inTime(following)).error).toMatchObject({ code: 'NOT_FOUND' })
    expect(clock.now() - startedAt).toBeLessThan(6_000)
  })

  it('does not wait with waitForStartMs: 0', async () => {
    const { clock, channels, inTime } = createTextRuns()
    const startedAt = clock.now()
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 0 }))
    const { items, error } = await inTime(following)
    expect(items.at(-1)).toEqual(notStarted)
    expect(error).toMatchObject({ code: 'NOT_FOUND' })
    expect(clock.now() - startedAt).toBeLessThan(500)
  })

  it('waits without end with waitForStartMs: Infinity', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const following = collect(channels[kind]('a').follow({ waitForStartMs: Infinity }))
    await passed(86_400_000, 60_000)
    await inTime(channels[kind]('a').stop())
    expect((await inTime(following)).at(-1)).toEqual({ type: 'end', status: 'stopped' })
  })

  it('leaves no timer behind if it leaves', async () => {
    const { clock, channels, inTime, passed } = createTextRuns()
    const timersBefore = clock.timers().length
    const leaving = new AbortController()
    const following = readAll(channels[kind]('a').follow({ signal: leaving.signal }))
    await passed(5_000)
    leaving.abort()
    await inTime(following)
    await channels.close()
    expect(clock.timers().length).toBeLessThanOrEqual(timersBefore)
  })

  it('goes on waiting, but no longer, when the log is cleared meanwhile', async () => {
    const logs: ChannelLog[] = []
    const { backend, channels, inTime, passed } = createTextRuns((backend) => ({
      ...backend,
      listen(log, listener) {
        logs.push(log)
        return backend.listen(log, listener)
      },
    }))
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 5_000 }))
    await passed(2_000)
    for (const log of logs) await inTime(backend.clear(log))
    expect((await inTime(following)).error).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('waits again when it resumes', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const follow = { lastEventId: 'snapshot', waitForStartMs: 5_000 }
    const following = collect(channels[kind]('a').follow(follow))
    await passed(4_000)
    await inTime(channels[kind]('a').stop())
    expect((await inTime(following)).at(-1)).toEqual({ type: 'end', status: 'stopped' })
  })
})

describe.each(kinds)('a follower of an %s that begins in time', (kind) => {
  it('is not bounded by waitForStartMs, even if the first delta comes later', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const { say, source } = scriptedSource()
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 5_000 }))
    await passed(4_000)
    const producing = channels[kind]('a').produce(source)
    await passed(20_000)
    say('a', undefined)
    await inTime(producing)
    const { items, error } = await inTime(following)
    expect(error).toBeUndefined()
    const content = [delta('a'), { type: 'end', status: 'completed' }]
    expect(items).toEqual([...(kind === 'answer' ? [folded('')] : []), caughtUp, ...content])
  })

  it('with waitForStartMs: 0 joins it, whatever another follower has read before', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const { say, source } = scriptedSource()
    await inTime(readAll(channels[kind]('a').follow({ waitForStartMs: 0 })), 1)
    const producing = channels[kind]('a').produce(source)
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 0 }))
    await passed(1_000)
    say('a', undefined)
    await inTime(producing)
    expect((await inTime(following)).items.at(-1)).toMatchObject({ status: 'completed' })
  })
})

it.each(kinds)(
  'a follower of an %s gets the error of a backend that can’t be read',
  async (kind) => {
    let isAway = false
    const { channels, inTime, passed } = createTextRuns(({ entries, ...backend }) => ({
      ...backend,
      async entries(...call) {
        if (isAway) throw new Error('The backend is away.')
        return await entries(...call)
      },
    }))
    const following = readAll(channels[kind]('a').follow({ waitForStartMs: 5_000 }))
    await passed(4_000)
    isAway = true
    const { items, error } = await inTime(following)
    expect(items).not.toContainEqual(notStarted)
    expect(error).toMatchObject({ message: 'The backend is away.' })
  },
)

it.each([-1, 0.5, Number.NaN, 86_400_001, '5', null])(
  'refuses waitForStartMs: %o',
  (waitForStartMs) => {
    const { channels } = createTextRuns()
    const options = { waitForStartMs } as { waitForStartMs: number }
    expect(() => channels.answer('a').follow(options)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('waitForStartMs'),
      }),
    )
  },
)
