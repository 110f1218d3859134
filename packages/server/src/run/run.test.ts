import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collect, collectContent, settled, textOf } from '../../../../tests/support/runs.ts'
import {
  caughtUp,
  completed,
  createTextRuns,
  delta,
  folded,
  words,
} from '../../../../tests/support/text-runs.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

describe('a run', () => {
  it('can be followed to its end, from before its start and from after its end', async () => {
    const { clock, channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    const early = collect(answer.follow())
    const producing = answer.produce(words('Hel', 'lo', '!'))
    expect(await inTime(producing)).toEqual({ status: 'completed' })
    expect(textOf(await inTime(early))).toBe('Hello!')
    clock.advance(100)
    const late = await inTime(collect(answer.follow()))
    expect(late).toEqual([folded('Hello!'), caughtUp, completed])
    expect(await inTime(answer.status())).toEqual({ status: 'completed', value: 'Hello!' })
  })

  it('without a fold, gives late followers all deltas', async () => {
    const { channels, inTime } = createTextRuns()
    const job = channels.job('a')
    expect(await inTime(job.produce(words('a', 'b', 'c')))).toEqual({ status: 'completed' })
    const deltas = ['a', 'b', 'c'].map(delta)
    expect(await inTime(collectContent(job.follow()))).toEqual(deltas)
    expect((await inTime(job.status())).value).toBeUndefined()
  })

  it('is produced only once', async () => {
    const { channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    let starts = 0
    const source = async function* () {
      starts += 1
      yield 'once'
    }
    const results = await inTime(Promise.all([answer.produce(source), answer.produce(source)]))
    expect(results.map(({ status }) => status).sort()).toEqual(['alreadyRunning', 'completed'])
    expect(await inTime(answer.produce(source))).toEqual({ status: 'alreadyEnded' })
    expect(starts).toBe(1)
  })

  it('is forgotten after keepForMs', async () => {
    const { clock, channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    await inTime(answer.produce(words('a')))
    clock.advance(59_000)
    expect((await answer.status()).status).toBe('completed')
    clock.advance(1_000)
    expect(await inTime(answer.status())).toEqual({ status: 'none', value: '' })
  })

  it('can be returned from a procedure', async () => {
    const { channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    const t = initTRPC.create()
    const router = t.router({
      onAnswer: t.procedure.subscription((opts) => answer.follow(opts)),
    })
    await inTime(answer.produce(words('a', 'b')))
    const followed = await router.createCaller({}).onAnswer()
    const content = collectContent(followed as AsyncIterable<unknown>)
    expect(await inTime(content)).toEqual([folded('ab')])
  })
})

describe('a run that is stopped', () => {
  it('aborts its signal, runs `finally`, and keeps its deltas', async () => {
    const { channels, inTime, passed } = createTextRuns()
    const answer = channels.answer('a')
    const seen: string[] = []
    const source = async function* ({ signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', () => seen.push('aborted'))
      try {
        yield 'partial'
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield ' too late'
      } finally {
        seen.push('finally')
      }
    }
    const followed = collect(answer.follow())
    const producing = answer.produce(source)
    await passed(500)
    expect(await answer.stop({ reason: 'enough' })).toEqual({ status: 'stopped', reason: 'enough' })
    expect(await inTime(producing)).toEqual({ status: 'stopped' })
    await settled()
    expect(seen).toEqual(['aborted', 'finally'])
    expect(textOf(await inTime(followed))).toBe('partial')
    expect(await answer.stop({ reason: 'again' })).toEqual({ status: 'stopped', reason: 'enough' })
    expect(await inTime(answer.status())).toEqual({
      status: 'stopped',
      reason: 'enough',
      value: 'partial',
    })
  })

  it('before its start never starts', async () => {
    const { channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    const followed = collect(answer.follow())
    await Promise.all([answer.stop(), answer.stop()])
    expect(await inTime(answer.produce(words('no')))).toEqual({ status: 'alreadyEnded' })
    expect(textOf(await inTime(followed))).toBe('')
  })
})

describe('a run that fails', () => {
  it('has the error of its source, which followers don’t get', async () => {
    const { channels, inTime } = createTextRuns()
    const answer = channels.answer('a')
    const error = new Error('key sk-123 is out of credit')
    const source = async function* () {
      yield 'a'
      throw error
    }
    expect(await inTime(answer.produce(source))).toEqual({ status: 'failed', error })
    await expect(inTime(collect(answer.follow()))).rejects.toMatchObject({
      code: 'UNPROCESSABLE_CONTENT',
      message: 'The run failed.',
      cause: { code: 'RUN_FAILED' },
    })
  })

  it('shows followers the message of a TRPCError', async () => {
    const { channels, inTime } = createTextRuns()
    const job = channels.job('a')
    const source = async function* () {
      yield 'a'
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'The file is empty.' })
    }
    await inTime(job.produce(source))
    const items: unknown[] = []
    const following = (async () => {
      for await (const [, item] of job.follow()) items.push(item)
    })()
    await expect(inTime(following)).rejects.toThrow('The file is empty.')
    const end = { type: 'end', status: 'failed', reason: 'The file is empty.' }
    expect(items).toEqual([delta('a'), caughtUp, end])
  })

  it('at an invalid delta has the schema’s issues', async () => {
    const channels = createChannels({
      channels: { rows: run({ event: z.object({ row: z.number() }) }) },
    })
    const result = await channels.rows().produce(async function* () {
      yield { row: 1 }
      yield { row: 'two' as unknown as number }
    })
    expect(result).toMatchObject({
      status: 'failed',
      error: { code: 'INVALID_EVENT', issues: [{ path: ['row'] }] },
    })
    expect(await channels.rows().status()).toMatchObject({ status: 'failed' })
    await channels.close()
  })
})

it('a run is abandoned if its producer freezes, which then writes nothing more', async () => {
  const { clock, backend, channels, inTime, passed } = createTextRuns()
  const answer = channels.answer('a')
  let frozen: Promise<void> | undefined
  let thaw = (): void => {}
  const producerOnly = createChannels({
    // The same logs, in a process that the test can freeze.
    backend: {
      ...backend,
      async change(...call) {
        await frozen
        return await backend.change(...call)
      },
    },
    clock,
    channels: { answer: run({ params: z.string(), event: z.string() }) },
  })
  const producing = producerOnly.answer('a').produce(async function* () {
    yield 'a'
    await passed(20_000, 500)
    yield ' too late'
  })
  const following = collect(answer.follow())
  await passed(1_000)
  frozen = new Promise((resolve) => {
    thaw = resolve
  })
  await expect(inTime(following, 500)).rejects.toMatchObject({
    code: 'CONFLICT',
    cause: { code: 'RUN_ABANDONED' },
  })
  thaw()
  expect(await inTime(producing, 500)).toEqual({ status: 'abandoned' })
  expect(await inTime(answer.status())).toMatchObject({ status: 'abandoned', value: 'a' })
})
