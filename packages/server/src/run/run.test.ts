import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { collect, collectContent, inTime, settled } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'
import type { RunItem } from './items.ts'

const delta = z.object({ text: z.string() })

function setup() {
  const clock = manualClock()
  const backend = memoryBackend({ clock })
  const channels = createChannels({
    backend,
    clock,
    channels: {
      answer: run({
        params: z.object({ id: z.string() }),
        event: delta,
        fold: { initial: '', apply: (value, { text }) => value + text },
      }),
      job: run({ event: z.number(), rollupMs: 0 }),
    },
  })
  return { clock, backend, channels, answer: channels.answer({ id: 'a' }), job: channels.job() }
}

function changeOf({ change }: Backend, ...call: Parameters<NonNullable<Backend['change']>>) {
  if (!change) throw new Error('The backend has no entries.')
  return change(...call)
}

/** Combines the items of a follower into the text of the run. */
function textOf(items: readonly unknown[]): string {
  let text = 'nothing yet'
  for (const item of items as readonly RunItem<string, { text: string }>[]) {
    if (item.type === 'fold') text = item.value
    if (item.type === 'delta') text += item.data.text
  }
  return text
}

async function* words(...texts: string[]) {
  for (const text of texts) yield { text }
}

describe('a run', () => {
  it('can be followed to its end, from before its start and from after its end', async () => {
    const { clock, answer } = setup()
    const early = collect(answer.follow())
    const producing = answer.produce(words('Hel', 'lo', '!'))
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    const items = await inTime(clock, early)
    expect(textOf(items)).toBe('Hello!')
    clock.advance(100)
    const late = await inTime(clock, collect(answer.follow()))
    expect(late).toEqual([
      { type: 'fold', value: 'Hello!' },
      { type: 'caught-up' },
      { type: 'end', status: 'completed' },
    ])
    expect(await inTime(clock, answer.status())).toEqual({ status: 'completed', value: 'Hello!' })
  })

  it('without a fold, gives late followers all deltas', async () => {
    const { clock, job } = setup()
    const source = async function* () {
      yield* [1, 2, 3]
    }
    expect(await inTime(clock, job.produce(source))).toEqual({ status: 'completed' })
    expect(await inTime(clock, collectContent(job.follow()))).toEqual(
      [1, 2, 3].map((data) => ({ type: 'delta', data })),
    )
    expect((await inTime(clock, job.status())).value).toBeUndefined()
  })

  it('is produced only once', async () => {
    const { clock, answer } = setup()
    let starts = 0
    const source = async function* () {
      starts += 1
      yield { text: 'once' }
    }
    const results = await inTime(
      clock,
      Promise.all([answer.produce(source), answer.produce(source)]),
    )
    expect(results.map(({ status }) => status).sort()).toEqual(['alreadyRunning', 'completed'])
    expect(await inTime(clock, answer.produce(source))).toEqual({ status: 'alreadyEnded' })
    expect(starts).toBe(1)
  })

  it('that is stopped aborts its signal, runs `finally`, and keeps its deltas', async () => {
    const { clock, answer } = setup()
    const seen: string[] = []
    const source = async function* ({ signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', () => seen.push('aborted'))
      try {
        yield { text: 'partial' }
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield { text: ' too late' }
      } finally {
        seen.push('finally')
      }
    }
    const followed = collect(answer.follow())
    const producing = answer.produce(source)
    await inTime(clock, new Promise((resolve) => clock.after(500, () => resolve(undefined))))
    expect(await answer.stop({ reason: 'enough' })).toEqual({ status: 'stopped', reason: 'enough' })
    expect(await inTime(clock, producing)).toEqual({ status: 'stopped' })
    await settled()
    expect(seen).toEqual(['aborted', 'finally'])
    expect(textOf(await inTime(clock, followed))).toBe('partial')
    expect(await answer.stop({ reason: 'again' })).toEqual({ status: 'stopped', reason: 'enough' })
    expect(await inTime(clock, answer.status())).toEqual({
      status: 'stopped',
      reason: 'enough',
      value: 'partial',
    })
  })

  it('that is stopped before its start never starts', async () => {
    const { clock, answer } = setup()
    const followed = collect(answer.follow())
    await Promise.all([answer.stop(), answer.stop()])
    expect(await inTime(clock, answer.produce(words('no')))).toEqual({ status: 'alreadyEnded' })
    expect(textOf(await inTime(clock, followed))).toBe('')
  })

  it('fails with the error of the source, which followers don’t get', async () => {
    const { clock, answer } = setup()
    const error = new Error('key sk-123 is out of credit')
    const source = async function* () {
      yield { text: 'a' }
      throw error
    }
    const result = await inTime(clock, answer.produce(source))
    expect(result).toEqual({ status: 'failed', error })
    await expect(inTime(clock, collect(answer.follow()))).rejects.toMatchObject({
      code: 'UNPROCESSABLE_CONTENT',
      message: 'The run failed.',
      cause: { code: 'RUN_FAILED' },
    })
  })

  it('shows followers the message of a TRPCError', async () => {
    const { clock, job } = setup()
    const source = async function* () {
      yield 1
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'The file is empty.' })
    }
    await inTime(clock, job.produce(source))
    const items: unknown[] = []
    const following = (async () => {
      for await (const [, item] of job.follow()) items.push(item)
    })()
    await expect(inTime(clock, following)).rejects.toThrow('The file is empty.')
    const end = { type: 'end', status: 'failed', reason: 'The file is empty.' }
    expect(items).toEqual([{ type: 'delta', data: 1 }, { type: 'caught-up' }, end])
  })

  it('fails at an invalid delta, with the schema’s issues', async () => {
    const { clock, answer } = setup()
    const source = async function* () {
      yield { text: 'a' }
      yield { text: 1 as unknown as string }
    }
    const result = await inTime(clock, answer.produce(source))
    expect(result).toMatchObject({
      status: 'failed',
      error: { code: 'INVALID_EVENT', issues: [{ path: ['text'] }] },
    })
    expect(await inTime(clock, answer.status())).toMatchObject({ status: 'failed', value: 'a' })
  })

  it('is abandoned if its producer stops renewing the lease, and the producer writes nothing more', async () => {
    const { clock, backend, answer } = setup()
    const producerOnly = createChannels({
      // The same logs, in a process that the test can freeze.
      backend: { ...backend, change: (...call) => (isFrozen ? thaw : changeOf(backend, ...call)) },
      clock,
      channels: { answer: run({ params: z.object({ id: z.string() }), event: delta }) },
    })
    let isFrozen = false
    let wake = (_: never): void => {}
    const thaw = new Promise<never>((resolve) => {
      wake = resolve
    })
    const source = async function* () {
      yield { text: 'a' }
      await new Promise(() => {})
    }
    const producing = producerOnly.answer({ id: 'a' }).produce(source)
    const following = collect(answer.follow())
    await inTime(clock, new Promise((resolve) => clock.after(1_000, () => resolve(undefined))))
    isFrozen = true
    await expect(inTime(clock, following, 500)).rejects.toMatchObject({
      code: 'CONFLICT',
      cause: { code: 'RUN_ABANDONED' },
    })
    isFrozen = false
    wake({ outcome: 'conflict', ids: [], current: [null] } as never)
    expect(await inTime(clock, producing, 500)).toEqual({ status: 'abandoned' })
    expect(await inTime(clock, answer.status())).toMatchObject({ status: 'abandoned', value: 'a' })
  })

  it('is forgotten after keepForMs', async () => {
    const { clock, answer } = setup()
    await inTime(clock, answer.produce(words('a')))
    clock.advance(599_000)
    expect((await answer.status()).status).toBe('completed')
    clock.advance(1_000)
    expect(await inTime(clock, answer.status())).toEqual({ status: 'none', value: '' })
  })

  it('stores many deltas in few writes', async () => {
    const { clock, backend } = setup()
    let changes = 0
    const counted = createChannels({
      backend: {
        ...backend,
        change(...call) {
          changes += 1
          return changeOf(backend, ...call)
        },
      },
      clock,
      channels: { answer: run({ event: z.number() }) },
    })
    const source = async function* () {
      for (let i = 0; i < 1_000; i++) {
        yield i
        if (i % 3 === 2) await new Promise((resolve) => clock.after(20, () => resolve(undefined)))
      }
    }
    await inTime(clock, counted.answer().produce(source), 4)
    expect(changes).toBeLessThanOrEqual(60)
    const items = await inTime(clock, collectContent(counted.answer().follow()))
    expect(items).toEqual(Array.from({ length: 1_000 }, (_, data) => ({ type: 'delta', data })))
  })

  it('gives a late follower of 20,000 deltas one fold, and then the tail', async () => {
    const { clock, answer } = setup()
    let more = (): void => {}
    const source = async function* () {
      for (let i = 0; i < 20_000; i++) yield { text: `${i} ` }
      await new Promise<void>((resolve) => {
        more = resolve
      })
      yield { text: 'end' }
    }
    const producing = answer.produce(source)
    await inTime(clock, new Promise((resolve) => clock.after(5_000, () => resolve(undefined))))
    const following = collectContent(answer.follow())
    await inTime(clock, new Promise((resolve) => clock.after(1_000, () => resolve(undefined))))
    more()
    await inTime(clock, producing)
    const items = await inTime(clock, following)
    expect(items).toHaveLength(2)
    const text = Array.from({ length: 20_000 }, (_, i) => `${i} `).join('')
    expect(textOf(items)).toBe(`${text}end`)
  })

  it('reads its log once for a thousand followers that join together', async () => {
    const { clock, backend, answer } = setup()
    await inTime(clock, answer.produce(words(...'abcdef')))
    let reads = 0
    const channels = createChannels({
      backend: {
        ...backend,
        read(...call) {
          reads += 1
          return backend.read(...call)
        },
      },
      clock,
      channels: {
        answer: run({
          params: z.object({ id: z.string() }),
          event: delta,
          fold: { initial: '', apply: (value, { text }) => value + text },
        }),
      },
    })
    const all = await inTime(
      clock,
      Promise.all(
        Array.from({ length: 1_000 }, () => collect(channels.answer({ id: 'a' }).follow())),
      ),
    )
    expect(new Set(all.map((items) => textOf(items)))).toEqual(new Set(['abcdef']))
    expect(reads).toBeLessThanOrEqual(3)
  })

  it('can be returned from a procedure', async () => {
    const { clock, answer } = setup()
    const t = initTRPC.create()
    const router = t.router({
      onAnswer: t.procedure.subscription((opts) => answer.follow(opts)),
    })
    await inTime(clock, answer.produce(words('a', 'b')))
    const followed = await router.createCaller({}).onAnswer()
    expect(await inTime(clock, collectContent(followed as AsyncIterable<unknown>))).toEqual([
      { type: 'fold', value: 'ab' },
    ])
  })
})

describe('bad input', () => {
  it.each([
    { rollupMs: -1 },
    { rollupMs: 10_001 },
    { leaseMs: 999 },
    { leaseMs: Number.NaN },
    { keepForMs: 0 },
    { keepForMs: Number.POSITIVE_INFINITY },
    { fold: {} as never },
    { retainEvents: 0 },
  ])('%o is refused', (options) => {
    expect(() => run({ event: delta, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  it('an invalid source makes the run fail', async () => {
    const { clock, answer } = setup()
    const result = await inTime(clock, answer.produce('text' as never))
    expect(result).toMatchObject({ status: 'failed', error: { code: 'INVALID_OPTION' } })
  })

  it('params are validated like those of a channel', () => {
    const { channels } = setup()
    expect(() => channels.answer({ id: 'x'.repeat(2_000) })).toThrow('characters')
  })
})
