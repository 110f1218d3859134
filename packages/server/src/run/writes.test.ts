import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { range } from '../../../../tests/support/numbers.ts'
import { collectContent, settled } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

/** A backend that records the bytes of each change, and can delay changes. */
function recorded() {
  const inner = memoryBackend()
  const steps: number[] = []
  let held: Promise<void> | undefined
  const backend: Backend = {
    ...inner,
    async change(log, change) {
      await held
      steps.push((change.payloads ?? []).reduce((bytes, { length }) => bytes + length, 0))
      if (!inner.change) throw new Error('The backend has no entries.')
      return await inner.change(log, change)
    },
  }
  return {
    backend,
    steps,
    hold(): (error?: Error) => void {
      let release = (_?: Error): void => {}
      held = new Promise((resolve, reject) => {
        release = (error) => (error ? reject(error) : resolve())
      })
      held.catch(() => {})
      return release
    },
  }
}

async function* listed<T>(items: readonly T[]) {
  yield* items
}

describe('the writes of a run', () => {
  it('have at most 256 KiB of deltas each, or a single larger delta', async () => {
    const { backend, steps } = recorded()
    const job = run({ event: z.string(), maxEventBytes: 1_000_000 })
    const channels = createChannels({ backend, channels: { job } })
    const deltas = [...range(1, 200).map(() => 'x'.repeat(9_000)), 'x'.repeat(900_000), 'end']
    expect(await channels.job().produce(listed(deltas))).toEqual({ status: 'completed' })
    expect(steps.filter((bytes) => bytes > 262_144)).toEqual([expect.toSatisfy((n) => n < 901_000)])
    const items = await collectContent(channels.job().follow())
    expect(items).toEqual(deltas.map((data) => ({ type: 'delta', data })))
  })

  it('pause the source while more than maxBufferedBytes wait', async () => {
    const { backend, hold } = recorded()
    const job = run({ event: z.string(), rollupMs: 0, maxBufferedBytes: 1_000_000 })
    const channels = createChannels({ backend, channels: { job } })
    let yielded = 0
    let release = (): void => {}
    const producing = channels.job().produce(async function* () {
      release = hold()
      for (; yielded < 500; yielded++) yield 'x'.repeat(10_000)
    })
    while (yielded < 99) await settled()
    for (const _ of range(1, 50)) await setTimeout(0)
    expect(yielded).toBeLessThan(140)
    release()
    expect(await producing).toEqual({ status: 'completed' })
    expect(yielded).toBe(500)
  })

  it('fail the run with their error, and keep the stored deltas', async () => {
    const { backend, hold } = recorded()
    const channels = createChannels({ backend, channels: { job: run({ event: z.string() }) } })
    const error = new Error('no answer')
    const producing = channels.job().produce(async function* () {
      yield 'stored'
      await settled()
      const fail = hold()
      yield 'x'
      fail(error)
      await new Promise(() => {})
    })
    expect(await producing).toEqual({ status: 'abandoned', error })
    expect((await channels.job().status()).status).toBe('running')
  })
})

describe('a fold', () => {
  const list = z.object({ n: z.number() })
  const apply = (value: number[], { n }: { n: number }): number[] => {
    value.push(n)
    return value
  }

  it.each([2, 3, 4, 7, 10])(
    'preserves a whole run of which %i events are retained',
    async (retainEvents) => {
      const sum = run({
        params: z.number(),
        event: list,
        fold: { initial: [] as number[], apply: (value, { n }) => [...value, n] },
        retainEvents,
      })
      const channels = createChannels({ channels: { sum } })
      for (const count of range(0, 25)) {
        await channels.sum(count).produce(listed(range(1, count).map((n) => ({ n }))))
        const items = await collectContent(channels.sum(count).follow())
        expect(items).toEqual([{ type: 'fold', value: range(1, count) }])
      }
    },
  )

  it('that wrongly changes its value doesn’t affect other runs', async () => {
    const initial: number[] = []
    const sum = run({ params: z.string(), event: list, fold: { initial, apply }, rollupMs: 0 })
    const channels = createChannels({ channels: { sum } })
    const all = range(1, 2_000)
    for (const id of ['a', 'b']) {
      const producing = channels.sum(id).produce(async function* () {
        for (const n of all) {
          yield { n }
          if (n % 100 === 0) await settled()
        }
      })
      await producing
      expect(await collectContent(channels.sum(id).follow())).toEqual([
        { type: 'fold', value: all },
      ])
    }
    expect(initial).toEqual([])
  })

  it('sees deltas as they are stored, even if the source changes them later', async () => {
    const all = run({
      event: z.any(),
      fold: { initial: [] as number[], apply: (value, { n }) => [...value, n] },
      retainEvents: 2,
      rollupMs: 0,
    })
    const channels = createChannels({ channels: { all } })
    const delta = { n: 0 }
    const result = await channels.all().produce(async function* () {
      for (; delta.n < 9; delta.n++) yield delta
    })
    expect(result).toEqual({ status: 'completed' })
    expect((await channels.all().status()).value).toEqual(range(0, 8))
  })

  it.each([
    ['a part that JSON can’t hold', () => 1n],
    ['a part that JSON would lose', () => new Map()],
  ])('whose value has %s makes the run fail, and keeps the deltas', async (_, bad) => {
    const sum = run({ event: z.string(), fold: { initial: 0, apply: bad as never }, rollupMs: 0 })
    const channels = createChannels({ channels: { sum } })
    const long = 'x'.repeat(5_000)
    const result = await channels.sum().produce(async function* () {
      yield long
      await new Promise(() => {})
    })
    expect(result).toMatchObject({ status: 'failed', error: { code: 'INVALID_EVENT' } })
    expect((await channels.sum().status()).status).toBe('failed')
    const ended = await channels.sum().produce(listed([long]))
    expect(ended.status).toBe('alreadyEnded')
  })

  it('whose last value can’t be stored makes the run fail', async () => {
    const fold = { initial: 0, apply: () => 1n as never }
    const channels = createChannels({ channels: { sum: run({ event: z.string(), fold }) } })
    const result = await channels.sum().produce(listed(['x'.repeat(5_000)]))
    expect(result).toMatchObject({ status: 'failed', error: { code: 'INVALID_EVENT' } })
  })

  it('whose initial value can’t be stored is refused by createChannels', () => {
    const sum = run({ event: z.string(), fold: { initial: 1n, apply: (value) => value } })
    expect(() => createChannels({ channels: { sum } })).toThrow(/fold.initial of run "sum"/)
  })

  it.each([
    ['throws', () => JSON.parse('')],
    ['returns a promise', async () => 1],
    ['returns nothing', () => undefined],
  ])('that %s makes the run fail', async (_, bad) => {
    const sum = run({ event: list, fold: { initial: 0, apply: bad as never } })
    const channels = createChannels({ channels: { sum } })
    const result = await channels.sum().produce(listed([{ n: 1 }]))
    expect(result).toMatchObject({ status: 'failed', error: expect.any(Error) })
    expect((await channels.sum().status()).status).toBe('failed')
  })
})
