import { once } from 'node:events'
import { setInterval } from 'node:timers/promises'
import { createTRPCClient, httpLink } from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { serveRouter } from '../support/router-server.ts'

/** A server with many kinds of subscriptions, and a client. */
async function setup({ maxDurationMs }: { maxDurationMs?: number } = {}) {
  const t = initTRPC.create({ sse: maxDurationMs === undefined ? {} : { maxDurationMs } })
  const channels = createChannels({
    channels: { log: channel({ params: z.object({ name: z.string() }), event: z.number() }) },
  })
  const ended: number[] = []
  const input = z.object({ n: z.number() })
  const router = t.router({
    log: t.procedure
      .input(z.object({ name: z.string() }))
      .subscription((opts) => channels.log(opts.input).subscribe(opts)),
    both: t.procedure.subscription((opts) =>
      merge([
        channels.log({ name: 'x' }).subscribe(opts),
        channels.log({ name: 'y' }).subscribe(opts),
      ]),
    ),
    endless: t.procedure.input(input).subscription(async function* (opts) {
      try {
        yield opts.input.n
        if (opts.signal) await once(opts.signal, 'abort')
      } finally {
        ended.push(opts.input.n)
      }
    }),
    fails: t.procedure.subscription(async function* () {
      yield 'once'
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not for you' })
    }),
    completes: t.procedure.subscription(async function* () {
      yield 'all'
    }),
    never: t.procedure
      .use(() => new Promise<never>(() => {}))
      .subscription(async function* () {
        yield 'never'
      }),
    poison: t.procedure
      .use(() => {
        throw new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: 'later' })
      })
      .subscription(async function* () {
        yield 'never'
      }),
    add: t.procedure.input(input).mutation((opts) => opts.input.n + 1),
  })
  const server = await serveRouter(router, { channels })
  const client = createTRPCClient<typeof router>({
    links: [sseLink({ url: server.url }), httpLink({ url: server.url })],
  })
  return {
    channels,
    client,
    ended,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await channels.close()
    },
  }
}

it('P64: 100 subscriptions are one stream, and one that stops ends its generator alone', async () => {
  await using app = await setup()
  const received: number[] = []
  const subscriptions = Array.from({ length: 100 }, (_, n) =>
    app.client.endless.subscribe({ n }, { onData: (value) => received.push(value) }),
  )
  await expect.poll(() => received.length).toBe(100)
  expect(app.server.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
  expect(await app.client.add.mutate({ n: 1 })).toBe(2)
  subscriptions[7]?.unsubscribe()
  await expect.poll(() => app.ended).toEqual([7])
  expect(app.server.link.stats()).toMatchObject({ connections: 1, subscriptions: 99 })
  for (const { unsubscribe } of subscriptions) unsubscribe()
  await expect.poll(() => app.server.link.stats().connections).toBe(0)
  expect(app.ended.length).toBe(100)
})

it('one that fails, one that completes, one that never starts and one that always fails leave others alone', async () => {
  await using app = await setup()
  const news: string[] = []
  const note = (what: string) => (): void => void news.push(what)
  app.client.fails.subscribe(undefined, { onError: (error) => news.push(error.message) })
  app.client.completes.subscribe(undefined, { onComplete: note('complete') })
  app.client.never.subscribe(undefined, { onStarted: note('started, but never should') })
  const attempts: string[] = []
  app.client.poison.subscribe(undefined, {
    onConnectionStateChange: ({ error }) => error && attempts.push(error.message),
  })
  const numbers: number[] = []
  const states: string[] = []
  app.client.log.subscribe(
    { name: 'x' },
    {
      onData: ({ data }) => numbers.push(data),
      onConnectionStateChange: ({ state }) => states.push(state),
    },
  )
  await expect.poll(() => news.sort()).toEqual(['complete', 'not for you'])
  // Each attempt waits at least as long as the stream's `retry:` requests.
  await expect.poll(() => attempts.length).toBeGreaterThan(2)
  expect(new Set(attempts)).toEqual(new Set(['later']))
  await app.channels.log({ name: 'x' }).publishMany([1, 2, 3])
  await expect.poll(() => numbers).toEqual([1, 2, 3])
  expect(states).toEqual(['connecting', 'pending'])
  expect(app.server.link.stats().connections).toBe(1)
})

it('the same subscription, joined late, gets what it missed and then is one with the first', async () => {
  await using app = await setup()
  const log = app.channels.log({ name: 'x' })
  const first: string[] = []
  const late: string[] = []
  app.client.log.subscribe({ name: 'x' }, { onData: ({ id }) => first.push(id) })
  await expect.poll(() => app.server.link.stats().subscriptions).toBe(1)
  const published = await log.publishMany([1, 2, 3, 4])
  await expect.poll(() => first.length).toBe(4)
  const lastEventId = published[1]?.id
  const input: { name: string } = { name: 'x', ...{ lastEventId } }
  app.client.log.subscribe(input, { onData: ({ id }) => late.push(id) })
  await expect.poll(() => late).toEqual(published.slice(2).map(({ id }) => id))
  await expect.poll(() => app.server.link.stats().subscriptions).toBe(1)
  await log.publish(5)
  await expect.poll(() => [first.length, late.length]).toEqual([5, 3])
})

it.each([
  // The server keeps a stream for a tenth of its duration after asking for a handover, which is too
  // short for every handover in the first case.
  { maxDurationMs: 150, isSeamless: false },
  { maxDurationMs: 1_500, isSeamless: true },
])(
  'P61: streams of $maxDurationMs ms lose and repeat nothing, on one channel or several',
  async (options) => {
    await using app = await setup(options)
    const total = 1_500
    const got: Record<string, number[]> = { log: [], x: [], y: [] }
    const states: string[] = []
    let most = 0
    app.client.log.subscribe(
      { name: 'x' },
      {
        onData: ({ data }) => got.log?.push(data),
        onConnectionStateChange: ({ state }) => states.push(state),
      },
    )
    app.client.both.subscribe(undefined, {
      onData: ({ data }) => got[data > 0 ? 'x' : 'y']?.push(Math.abs(data)),
    })
    await expect.poll(() => app.server.link.stats().subscriptions).toBe(2)
    let n = 0
    // Publish an event each millisecond while streams change.
    for await (const _ of setInterval(1)) {
      n += 1
      await Promise.all([
        app.channels.log({ name: 'x' }).publish(n),
        app.channels.log({ name: 'y' }).publish(-n),
      ])
      most = Math.max(most, app.server.link.stats().connections)
      if (n === total) break
    }
    const all = Array.from({ length: total }, (_, index) => index + 1)
    await expect
      .poll(() => Object.values(got).map(({ length }) => length))
      .toEqual([total, total, total])
    expect(got).toEqual({ log: all, x: all, y: all })
    expect(most).toBeLessThanOrEqual(3)
    if (options.isSeamless) expect(states).toEqual(['connecting', 'pending'])
  },
)
