import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { TRPCError } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { collectContent, settled } from '../../../../tests/support/runs.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'
import type { RunSource } from './source.ts'

function setup() {
  const channels = createChannels({
    channels: { answer: run({ event: z.string(), rollupMs: 0 }) },
  })
  return channels.answer()
}

/** Produces a run, stops it after its source has started, and returns the result. */
async function stopped(source: RunSource<string>) {
  const answer = setup()
  const producing = answer.produce(source)
  await settled()
  await answer.stop()
  return await producing
}

describe('a source that is stopped', () => {
  it('is cancelled if it is a stream without data', async () => {
    const cancel = vi.fn()
    expect(await stopped(new ReadableStream<string>({ cancel }))).toEqual({ status: 'stopped' })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('is cancelled if its stream opens after the stop', async () => {
    const cancel = vi.fn()
    let open = (_: ReadableStream<string>): void => {}
    const opening = new Promise<ReadableStream<string>>((resolve) => {
      open = resolve
    })
    expect(await stopped(() => opening)).toEqual({ status: 'stopped' })
    open(new ReadableStream({ cancel }))
    await settled()
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('may fail to open after the stop', async () => {
    let fail = (_: Error): void => {}
    const opening = new Promise<ReadableStream<string>>((_, reject) => {
      fail = reject
    })
    expect(await stopped(() => opening)).toEqual({ status: 'stopped' })
    fail(new Error('too late'))
    await settled()
  })

  it('may throw from `return`, and reject afterwards', async () => {
    let fail = (_: Error): void => {}
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((_, reject) => {
            fail = reject
          }),
        return() {
          throw new Error('no return')
        },
      }),
    }
    expect(await stopped(source)).toEqual({ status: 'stopped' })
    fail(new Error('too late'))
    await settled()
  })
})

describe('a run whose schema has not settled', () => {
  /** A schema that settles for its second value when `settle` is called. */
  function slowSchema() {
    let settle = (): void => {}
    const settling = new Promise<void>((resolve) => {
      settle = resolve
    })
    const checked: unknown[] = []
    const validate = async (value: unknown) => {
      checked.push(value)
      if (checked.length > 1) await settling
      return { value: value as string }
    }
    const event: StandardSchemaV1<string> = {
      '~standard': { version: 1, vendor: 'test', validate },
    }
    return { event, checked, settle: () => settle() }
  }

  async function start() {
    const schema = slowSchema()
    const channels = createChannels({
      channels: { job: run({ event: schema.event, rollupMs: 0 }) },
    })
    const next = vi.fn(async () => ({ done: false, value: 'delta' }))
    const leave = vi.fn(async () => ({ done: true as const, value: undefined }))
    const source = { [Symbol.asyncIterator]: () => ({ next, return: leave }) }
    const producing = channels.job().produce(source as AsyncIterable<string>)
    while (schema.checked.length < 2) await settled()
    return { ...schema, channels, job: channels.job(), producing, next, leave }
  }

  it('can be stopped, and asks its source for nothing more', async () => {
    const { job, producing, settle, next, leave } = await start()
    await job.stop()
    expect(await producing).toEqual({ status: 'stopped' })
    settle()
    await settled()
    expect(next).toHaveBeenCalledTimes(2)
    expect(leave).toHaveBeenCalledOnce()
  })

  it('doesn’t keep the channels from closing', async () => {
    const { channels, producing } = await start()
    await channels.close()
    expect(await producing).toEqual({ status: 'abandoned' })
  })
})

describe('a source', () => {
  it('may return results without promises', async () => {
    const answer = setup()
    const results = [{ done: false, value: 'a' }, { done: true }]
    const source = { [Symbol.asyncIterator]: () => ({ next: () => results.shift() }) }
    expect(await answer.produce(source as never)).toEqual({ status: 'completed' })
    expect(await collectContent(answer.follow())).toEqual([{ type: 'delta', data: 'a' }])
  })

  it.each([
    ['throws when it is iterated', () => ({ [Symbol.asyncIterator]: () => fail() })],
    ['throws from next', () => ({ [Symbol.asyncIterator]: () => ({ next: () => fail() }) })],
    ['gives no result', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => null }) })],
    ['yields a promise', () => yielding(Promise.resolve('a'))],
    ['yields a promise that rejects', () => yielding(Promise.reject(new Error('rejected')))],
    ['throws at once', () => fail()],
    ['rejects', () => Promise.reject(new Error('rejected'))],
  ])('that %s makes the run fail', async (_, source) => {
    const answer = setup()
    const result = await answer.produce(source as never)
    expect(result).toMatchObject({ status: 'failed', error: expect.anything() })
    expect((await answer.status()).status).toBe('failed')
  })

  it('that never waits is stored while it runs, and delays nothing else', async () => {
    const answer = setup()
    const delta = 'x'.repeat(10_000)
    let isOver = false
    const producing = answer
      .produce(async function* () {
        for (let i = 0; i < 1_000; i++) yield delta
      })
      .finally(() => {
        isOver = true
      })
    await setTimeout(0)
    expect(isOver).toBe(false)
    expect(await producing).toEqual({ status: 'completed' })
    const items = await collectContent(answer.follow())
    expect(items).toHaveLength(1_000)
  })
})

function fail(): never {
  throw new Error('failed')
}

function yielding(value: Promise<string>): AsyncIterable<string> {
  value.catch(() => {})
  const next = async () => ({ done: false, value })
  return { [Symbol.asyncIterator]: () => ({ next }) } as never
}

describe('code of the app', () => {
  it('may throw from waitUntil without an effect on the run', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const waitUntil = (): void => {
      throw new Error('outside of a request')
    }
    const source = async function* () {
      yield 'a'
    }
    expect(await setup().produce(source, { waitUntil })).toEqual({ status: 'completed' })
    expect(printed).toHaveBeenCalledOnce()
    printed.mockRestore()
  })

  it.each([1, null, { length: 1 }, 'x'.repeat(1_001)])(
    'must pass a valid reason to stop, not %o',
    async (reason) => {
      await expect(setup().stop({ reason: reason as never })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      })
    },
  )

  it('shows followers 1,000 characters of a TRPCError’s message', async () => {
    const answer = setup()
    const message = 'x'.repeat(100_000)
    await answer.produce(async () => {
      throw new TRPCError({ code: 'BAD_REQUEST', message })
    })
    expect((await answer.status()).reason).toHaveLength(1_000)
  })

  it('shows followers no message of any other error, even of this library', async () => {
    const answer = setup()
    await answer.produce(async () => {
      throw new RealtimeError('BACKEND_UNAVAILABLE', 'redis://secret')
    })
    expect((await answer.status()).reason).toBeUndefined()
  })

  it('is called in the async context of `produce`, even when its signal aborts', async () => {
    const storage = new AsyncLocalStorage<string>()
    const answer = setup()
    const seen: unknown[] = []
    const producing = storage.run('producer', () =>
      answer.produce(async function* ({ signal }) {
        signal.addEventListener('abort', () => seen.push(storage.getStore()))
        seen.push(storage.getStore())
        yield 'a'
        seen.push(storage.getStore())
        await new Promise(() => {})
      }),
    )
    await settled()
    await storage.run('stopper', () => answer.stop())
    await producing
    expect(seen).toEqual(['producer', 'producer', 'producer'])
  })
})
