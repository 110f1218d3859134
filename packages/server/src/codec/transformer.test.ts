import { createRequire } from 'node:module'
import { initTRPC, tracked } from '@trpc/server'
import superjson, { SuperJSON } from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, subscriptionUrl } from '../../../../tests/support/http.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink, merge, type Transformer } from '../index.ts'
import { areSame, outputOf } from './transformer.ts'

/** A transformer that changes only dates, and counts its calls. */
function datesOnly(name = '$date') {
  const calls = { serialize: 0, deserialize: 0 }
  return {
    calls,
    serialize(value: unknown): unknown {
      calls.serialize += 1
      return value instanceof Date ? { [name]: value.getTime() } : value
    },
    deserialize(value: unknown): unknown {
      calls.deserialize += 1
      return typeof value === 'object' && value !== null && name in value
        ? new Date((value as Record<string, number>)[name] ?? 0)
        : value
    },
  }
}

const date = new Date(1_000)
const modes = ['single', 'multiplexed'] as const

type DateChannels = ReturnType<typeof dateChannels>

function dateChannels(transformer: Transformer) {
  const dates = channel({ event: z.date() })
  return createChannels({ transformer, channels: { dates, more: dates } })
}

async function setup(transformer: Transformer) {
  const channels = dateChannels(transformer)
  const t = initTRPC.create({ transformer })
  const router = t.router({
    published: t.procedure.subscription((opts) =>
      channels.dates().subscribe({ ...opts, replay: 'all' }),
    ),
    filtered: t.procedure.subscription((opts) =>
      channels
        .dates()
        .subscribe({ ...opts, replay: 'all' })
        .filter((event) => event instanceof Date),
    ),
    yielded: t.procedure.subscription(async function* () {
      yield tracked('1', date)
    }),
    bare: t.procedure.subscription(async function* () {
      yield date
    }),
  })
  const server = await serveRouter(router, { channels })
  return {
    channels,
    /** Returns the data of a subscription's first event. */
    async first(path: string, mode: (typeof modes)[number]) {
      const body = JSON.stringify({ version: 1, revision: 1, subscriptions: { key: { path } } })
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
      using stream = await (mode === 'single'
        ? openRaw(subscriptionUrl(server.url, path))
        : openRaw(`${server.url}/~sse`, { method: 'POST', headers, body }))
      for (;;) {
        const { event, data } = await stream.next()
        if (event === 'message' || event === 'key') return data
        if (event.includes('error')) throw new Error(data)
      }
    },
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('a transformer that returns most values unchanged', () => {
  describe.each(modes)('in %s mode', (mode) => {
    it.each(['published', 'filtered', 'yielded', 'bare'])(
      'is used for a value that is %s',
      async (path) => {
        await using app = await setup(datesOnly())
        await app.channels.dates().publish(date)
        expect(await app.first(path, mode)).toBe('{"$date":1000}')
      },
    )

    it('may have a different output side', async () => {
      const plain = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value }
      await using app = await setup({ input: plain, output: datesOnly() })
      await app.channels.dates().publish(date)
      expect(await app.first('published', mode)).toBe('{"$date":1000}')
    })
  })

  it('is called only for values that are read or written', async () => {
    const { calls, ...transformer } = datesOnly()
    await using app = await setup(transformer)
    expect(calls).toEqual({ serialize: 0, deserialize: 0 })
    await app.first('bare', 'single')
    await app.first('bare', 'multiplexed')
    expect(calls).toEqual({ serialize: 2, deserialize: 0 })
    await app.channels.dates().publish(date)
    expect(calls).toEqual({ serialize: 3, deserialize: 0 })
  })

  it.each<[string, (channels: DateChannels) => ReadonlyArray<AsyncIterable<unknown>>, number]>([
    [
      'filters',
      ({ dates }) =>
        [1, 2].map(() =>
          dates()
            .subscribe()
            .filter(() => true),
        ),
      1,
    ],
    ['maps', ({ dates }) => [1, 2].map(() => dates().subscribe().map(String)), 1],
    [
      'filters and maps',
      ({ dates }) => [
        dates()
          .subscribe()
          .filter(() => true)
          .map(String),
      ],
      1,
    ],
    ['reads', ({ dates }) => [1, 2].map(() => dates().subscribe()), 1],
    ['reads live', ({ dates }) => [1, 2].map(() => dates().live({}, () => 'state')), 1],
    [
      'merges',
      ({ dates, more }) => [1, 2].map(() => merge([dates().subscribe(), more().subscribe()])),
      1,
    ],
    [
      'filters what it merges',
      ({ dates, more }) =>
        [1, 2].map(() => merge([dates().subscribe(), more().subscribe()]).filter(() => true)),
      1,
    ],
  ])('decodes an event once for each process that %s', async (_, subscribe, times) => {
    const { calls, ...transformer } = datesOnly()
    const channels = dateChannels(transformer)
    const iterators = subscribe(channels).map((subscription) =>
      subscription[Symbol.asyncIterator](),
    )
    const next = () => Promise.all(iterators.map((iterator) => iterator.next()))
    const first = next()
    // Wait until the subscriptions are open: before that, they get no events.
    await Promise.all([channels.dates().history({ last: 1 }), channels.more().history({ last: 1 })])
    await channels.dates().publish(date)
    const values = await first
    if (JSON.stringify(values).includes('state')) await next()
    expect(calls.deserialize).toBe(times)
    await channels.close()
  })

  it('differs from no transformer, and from one that writes dates differently', () => {
    const channels = (transformer?: Transformer) =>
      createChannels({
        ...(transformer && { transformer }),
        channels: { dates: channel({ event: z.date() }) },
      })
    const router = (transformer: Transformer) => initTRPC.create({ transformer }).router({})
    const plain = initTRPC.create().router({})
    const refused = /INVALID_OPTION|different transformers/
    expect(() => createServerLink({ router: plain, channels: channels(datesOnly()) })).toThrow(
      refused,
    )
    expect(() => createServerLink({ router: router(datesOnly()), channels: channels() })).toThrow(
      refused,
    )
    expect(() =>
      createServerLink({ router: router(datesOnly()), channels: channels(datesOnly('$d')) }),
    ).toThrow(refused)
    createServerLink({ router: router(datesOnly()), channels: channels(datesOnly()) })
    createServerLink({ router: plain, channels: channels() })
  })
})

describe('no transformer', () => {
  const copy = createRequire(import.meta.url)('@trpc/server') as typeof import('@trpc/server')

  it("includes tRPC's own default, from any copy of tRPC", () => {
    expect(copy.initTRPC).not.toBe(initTRPC)
    for (const trpc of [initTRPC, copy.initTRPC]) {
      expect(outputOf(trpc.create()._config.transformer)).toBeUndefined()
      expect(outputOf(trpc.create({ transformer: superjson })._config.transformer)).toBe(superjson)
    }
    expect(outputOf(undefined)).toBeUndefined()
  })

  it('doesn’t include a transformer whose functions do more than return their argument', () => {
    const changing = {
      serialize: (value: unknown) => value,
      deserialize: (value: unknown) => [value],
    }
    const swapped = {
      serialize: (value: unknown) => value ?? null,
      deserialize: (value: unknown) => value,
    }
    for (const transformer of [changing, swapped, datesOnly()])
      expect(outputOf(transformer)).toBe(transformer)
  })
})

describe('two transformers', () => {
  it('are equal if they are the same object or write the same output', () => {
    expect(areSame(superjson, new SuperJSON())).toBe(true)
    expect(areSame(datesOnly(), datesOnly())).toBe(true)
    expect(areSame(undefined, undefined)).toBe(true)
  })

  it('aren’t equal if one writes different output, fails or is missing', () => {
    const failing = {
      serialize(): never {
        throw new Error('no')
      },
      deserialize: (value: unknown) => value,
    }
    const others = [datesOnly(), failing, undefined]
    expect(others.map((other) => areSame(superjson, other))).toEqual([false, false, false])
    expect(areSame(datesOnly(), datesOnly('$d'))).toBe(false)
  })

  it('are compared once, and never if they are the same object', () => {
    const [a, b] = [datesOnly(), datesOnly()]
    areSame(a, a)
    expect(a.calls.serialize).toBe(0)
    areSame(a, b)
    const { serialize } = a.calls
    areSame(a, b)
    expect(a.calls.serialize).toBe(serialize)
  })
})
