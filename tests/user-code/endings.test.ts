import { initTRPC, TRPCError } from '@trpc/server'
import { type Observer, observable } from '@trpc/server/observable'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openRaw, type RawStream, subscriptionUrl } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { type RouterServerOptions, serveRouter } from '../support/router-server.ts'

type Emit = Observer<unknown, unknown>

async function setup(options: RouterServerOptions = {}, isDev = false) {
  const channels = createChannels({ channels: { numbers: channel({ event: anyNumber }) } })
  const emits = createInbox<Emit>()
  const teardowns = createInbox<string>()
  const t = initTRPC.create({ isDev })
  const numbers = () => channels.numbers().subscribe()
  const router = t.router({
    observed: t.procedure.subscription(() =>
      observable<unknown, unknown>((emit) => {
        emits.put(emit)
        return () => teardowns.put('torn down')
      }),
    ),
    forgotten: t.procedure.subscription((() => undefined) as never),
    twice: t.procedure.subscription(() => merge([numbers(), numbers()])),
    badReplay: t.procedure.subscription(() => channels.numbers().subscribe({ replay: Number.NaN })),
    asyncFilter: t.procedure.subscription((opts) =>
      channels
        .numbers()
        .subscribe({ ...opts, replay: 1 })
        .filter((async () => true) as never),
    ),
    endsItself: t.procedure.subscription(({ signal }) => {
      const enough = new AbortController()
      return channels
        .numbers()
        .subscribe({
          signal: AbortSignal.any([signal ?? enough.signal, enough.signal]),
          replay: 'all',
        })
        .filter((n) => {
          if (n === 2) enough.abort()
          return true
        })
    }),
    innerAbort: t.procedure.subscription(async function* () {
      yield 1
      await fetch('data:text/plain,1', { signal: AbortSignal.abort() })
    }),
    breaks: t.procedure.subscription(async function* () {
      yield* []
      throw new Error('broken')
    }),
    forbidden: t.procedure.subscription(async () => {
      throw new TRPCError({ code: 'FORBIDDEN' })
    }),
  })
  const errors = createInbox<TRPCError>()
  const server = await serveRouter(router, {
    channels,
    onError: ({ error }: { error: TRPCError }) => errors.put(error),
    ...options,
  } as RouterServerOptions)
  await channels.numbers().publish(1)
  return Object.assign(server, { channels, emits, teardowns, errors })
}

const anyNumber = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) => ({ value: Number(value) }),
  },
}

const modes: Record<string, (url: string, path: string) => Promise<RawStream>> = {
  single: (url, path) => openRaw(subscriptionUrl(url, path)),
  multiplexed: (url, path) =>
    openRaw(`${url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path } } }),
    }),
}

async function errorOf(stream: RawStream) {
  for (;;) {
    const { event, data } = await stream.next()
    const json = JSON.parse(data || 'null')
    if (event === 'serialized-error') return json
    if (event === '$error') return json.error
  }
}

async function dataOf(stream: RawStream, count: number): Promise<unknown[]> {
  const found: unknown[] = []
  while (found.length < count) {
    const { event, data } = await stream.next()
    if (event === 'a' || event === 'message') found.push(JSON.parse(data))
  }
  return found
}

afterEach(() => vi.restoreAllMocks())

describe.each(Object.entries(modes))('in %s mode', (mode, open) => {
  it('ignores an observable that emits, fails and completes after its client has left', async () => {
    await using server = await setup()
    using stream = await open(server.url, 'observed')
    const emit = await server.emits.take()
    emit.next(1)
    expect(await dataOf(stream, 1)).toEqual([1])
    stream.leave()
    await server.teardowns.take()
    emit.next(2)
    emit.next(2n)
    emit.error(new Error('late'))
    emit.complete()
    expect(server.errors.items).toEqual([])
    expect(server.link.stats()).toMatchObject({ connections: 0, eventsSent: 1 })
  })

  it('calls a filter no more, and sends nothing, once the filter has ended its own subscription', async () => {
    await using server = await setup()
    await server.channels.numbers().publishMany([2, 3, 4])
    using stream = await open(server.url, 'endsItself')
    expect(await dataOf(stream, 1)).toEqual([1])
    expect((await stream.next()).event).toBe(mode === 'single' ? 'return' : '$stopped')
    // Ends the stream after everything that was sent.
    server.link.disconnect(() => true)
    await stream.over
    expect(
      stream.messages.filter(({ event }) => event === 'a' || event === 'message'),
    ).toHaveLength(1)
    expect(server.link.stats().eventsSent).toBe(1)
  })

  it('ends an observable once, after its values', async () => {
    await using server = await setup()
    using stream = await open(server.url, 'observed')
    const emit = await server.emits.take()
    for (const n of [1, 2, 3]) emit.next(n)
    emit.complete()
    emit.next(4)
    emit.error(new Error('late'))
    expect(await dataOf(stream, 3)).toEqual([1, 2, 3])
    expect((await stream.next()).event).toMatch(/^(return|\$stopped)$/)
    await server.teardowns.take()
    expect(server.errors.items).toEqual([])
  })

  it('keeps the values of an observable, in order, while its client doesn’t read', async () => {
    await using server = await setup({ maxQueuedBytes: 64_000_000 })
    using stream = await open(server.url, 'observed')
    stream.pause()
    const emit = await server.emits.take()
    const text = 'x'.repeat(100_000)
    for (let n = 0; n < 300; n++) emit.next({ n, text })
    emit.complete()
    stream.resume()
    const found = (await dataOf(stream, 300)) as Array<{ n: number }>
    expect(found.map(({ n }) => n)).toEqual(Array.from({ length: 300 }, (_, n) => n))
    expect((await stream.next()).event).toMatch(/^(return|\$stopped)$/)
  })

  it('disconnects the client of an observable that emits more than maxQueuedBytes, and calls onError', async () => {
    await using server = await setup()
    using stream = await open(server.url, 'observed')
    stream.pause()
    const emit = await server.emits.take()
    const text = 'x'.repeat(100_000)
    let emitted = 0
    while (server.link.stats().cutOff === 0 && emitted < 1_000) {
      emit.next(text)
      emitted += 1
    }
    // A megabyte waits, in addition to the socket's buffers.
    expect(emitted).toBeLessThan(20)
    expect(server.errors.items.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"observed" emits faster .* 1048576 bytes .*maxQueuedBytes/),
    ])
    await server.teardowns.take()
    expect(server.link.stats()).toMatchObject({ connections: 0, cutOff: 1 })
  })

  it.each([
    ['forgotten', /forgotten return/],
    ['badReplay', /replay/],
    ['asyncFilter', /filter\(\) returned a promise/],
  ])('sends a final error for a mistake in the server’s code: %s', async (path, message) => {
    await using server = await setup()
    using stream = await open(server.url, path)
    const error = await errorOf(stream)
    expect(error).toMatchObject({ code: -32022, message: expect.stringMatching(message) })
    expect(error.data).toMatchObject({ code: 'UNPROCESSABLE_CONTENT', path })
    expect(server.errors.items).toHaveLength(1)
  })

  // The channels may come from the input.
  it('answers BAD_REQUEST, which is final, for a channel that is merged twice', async () => {
    await using server = await setup()
    using stream = await open(server.url, 'twice')
    const error = await errorOf(stream)
    expect(error).toMatchObject({ code: -32600, message: expect.stringMatching(/a channel twice/) })
    expect(error.data).toMatchObject({ code: 'BAD_REQUEST', path: 'twice' })
  })

  it('logs one error for each procedure in development, without onError', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using server = await setup({ onError: undefined } as never, true)
    for (const path of ['forgotten', 'breaks', 'forgotten', 'forbidden', 'breaks']) {
      using stream = await open(server.url, path)
      await errorOf(stream)
    }
    expect(log.mock.calls.map(([text]) => String(text).match(/"\w+"/)?.[0])).toEqual([
      '"forgotten"',
      '"breaks"',
    ])
  })

  it('logs nothing in production', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using server = await setup({ onError: undefined } as never)
    using stream = await open(server.url, 'breaks')
    await errorOf(stream)
    expect(log).not.toHaveBeenCalled()
  })

  it('ends a subscription visibly for its client at an AbortError that isn’t the call’s own', async () => {
    await using server = await setup()
    using stream = await open(server.url, 'innerAbort')
    if (mode === 'single') {
      // As with tRPC's own server: the response ends without `return`, and the client reconnects.
      expect((await stream.over).by).toBe('end')
      expect(stream.messages.map(({ event }) => event)).toEqual(['connected', 'message'])
    } else {
      expect((await errorOf(stream)).data.code).toBe('INTERNAL_SERVER_ERROR')
      expect(server.errors.items).toHaveLength(1)
    }
  })
})
