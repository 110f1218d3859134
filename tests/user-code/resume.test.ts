import { setImmediate } from 'node:timers/promises'
import { initTRPC, tracked } from '@trpc/server'
import { type ChannelSubscription, channel, createChannels, merge } from '@trpc-sse/server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw, type RawStream, subscriptionUrl } from '../support/http.ts'
import { serveRouter } from '../support/router-server.ts'

const t = initTRPC.create()
const input = z.union([z.string(), z.array(z.string()), z.strictObject({ room: z.string() })])
const procedure = t.procedure.input(input.optional())
const inputs = { nothing: undefined, text: 'lobby', array: ['lobby'], object: { room: 'lobby' } }
type Opts = { signal: AbortSignal | undefined; input: unknown }

function createNumbers() {
  return createChannels({
    channels: { numbers: channel({ event: z.number() }), other: channel({ event: z.number() }) },
  })
}
type Channels = ReturnType<typeof createNumbers>

/** A signal that the procedure derives from the call's. */
function derived({ signal }: Opts, own = new AbortController()): AbortSignal {
  return AbortSignal.any(signal ? [signal, own.signal] : [own.signal])
}

/** The ways in which a procedure may call `subscribe` and return the result. */
const returned: Record<string, (channels: Channels, opts: Opts) => unknown> = {
  'no options': ({ numbers }) => numbers().subscribe(),
  'empty options': ({ numbers }) => numbers().subscribe({}),
  'a replay': ({ numbers }) => numbers().subscribe({ replay: 1 }),
  'the input': ({ numbers }, opts) => numbers().subscribe({ input: opts.input }),
  'a derived signal': ({ numbers }, opts) => numbers().subscribe({ signal: derived(opts) }),
  'the call’s, with a derived signal': ({ numbers }, opts) =>
    numbers().subscribe({ ...opts, signal: derived(opts) }),
  'a filter': ({ numbers }) =>
    numbers()
      .subscribe({ replay: 1 })
      .filter(() => true),
  'a map': ({ numbers }) =>
    numbers()
      .subscribe({ replay: 1 })
      .map((n) => n),
  'a merge': ({ numbers, other }) => merge([numbers().subscribe(), other().subscribe({})]),
  'a merge, the call’s options last': ({ numbers, other }, opts) =>
    merge([other().subscribe(), numbers().subscribe({ signal: derived(opts) })]),
  'a live': ({ numbers }) => numbers().live({}, () => 'snapshot'),
}

const generators: Record<string, (channels: Channels, opts: Opts) => AsyncIterable<unknown>> = {
  'with no options': ({ numbers }) => each(numbers().subscribe()),
  'with a replay': ({ numbers }) => each(numbers().subscribe({ replay: 1 })),
  'with a derived signal': ({ numbers }, opts) =>
    each(numbers().subscribe({ signal: derived(opts) })),
  'that makes other values': async function* ({ numbers }) {
    for await (const [id, n] of numbers().subscribe()) yield tracked(id, { n })
  },
}
const goodGenerators: Record<string, (channels: Channels, opts: Opts) => AsyncIterable<unknown>> = {
  'with the call’s options': ({ numbers }, opts) => each(numbers().subscribe(opts)),
  'with the call’s signal': ({ numbers }, { signal }) => each(numbers().subscribe({ signal })),
}

async function* each(subscription: ChannelSubscription<unknown>) {
  yield* subscription
}

async function setup(result: (channels: Channels, opts: Opts) => unknown) {
  const channels = createNumbers()
  const router = t.router({
    named: t.router({ numbers: procedure.subscription((opts) => result(channels, opts) as never) }),
  })
  const server = await serveRouter(router, { channels })
  return { channels, url: server.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

interface Wanted {
  readonly path: string
  readonly input: unknown
  readonly lastEventId?: string
}

const modes: Record<string, (url: string, wanted: Wanted) => Promise<RawStream>> = {
  single: (url, { path, ...query }) => openRaw(subscriptionUrl(url, path, query)),
  multiplexed: (url, wanted) =>
    openRaw(`${url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions: { a: wanted } }),
    }),
}

/** Waits for the next number, whatever wraps it, and its id. Fails at a gap. */
async function nextNumber(stream: RawStream): Promise<{ n: number; id: string | undefined }> {
  for (;;) {
    const { event, data, id } = await stream.next()
    expect(event).not.toMatch(/gap|error/)
    const n = /^(?:.*:)?(\d+)\}*$/.exec(data)?.[1]
    if (n !== undefined && !event.startsWith('$') && event !== 'connected')
      return { n: Number(n), id }
  }
}

afterEach(() => vi.restoreAllMocks())

describe.each(Object.entries(modes))('in %s mode', (_, openStream) => {
  describe.each(Object.entries(returned))(
    'the result of a procedure that subscribes with %s',
    (_, result) => {
      it.each(Object.entries(inputs))(
        'resumes at the client’s position, with an input of %s',
        async (_, given) => {
          await using server = await setup(result)
          const { channels, url } = server
          const wanted = { path: 'named.numbers', input: given }
          using first = await openStream(url, wanted)
          await started(first)
          await channels.numbers().publish(1)
          const { id = '' } = await nextNumber(first)
          first.leave()
          await channels.numbers().publishMany([2, 3])
          using second = await openStream(url, { ...wanted, lastEventId: id })
          expect([(await nextNumber(second)).n, (await nextNumber(second)).n]).toEqual([2, 3])
        },
      )
    },
  )

  it('a signal of the procedure’s own ends its subscription', async () => {
    const own = new AbortController()
    await using server = await setup(({ numbers, other }, opts) =>
      merge([numbers().subscribe(opts), other().subscribe({ signal: own.signal })]).filter(
        () => true,
      ),
    )
    using stream = await openStream(server.url, { path: 'named.numbers', input: undefined })
    await started(stream)
    own.abort()
    await ended(stream)
  })

  it('a signal that has aborted before ends the subscription at once', async () => {
    await using server = await setup(({ numbers }) =>
      numbers().subscribe({ signal: AbortSignal.abort() }),
    )
    using stream = await openStream(server.url, { path: 'named.numbers', input: undefined })
    await ended(stream)
  })

  it.each(Object.entries(generators))(
    'logs one warning about a generator that can’t resume, %s',
    async (_, result) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      await using server = await setup(result)
      const { channels, url } = server
      const { id } = await channels.numbers().publish(1)
      const resume = { path: 'named.numbers', input: 'lobby', lastEventId: id }
      using first = await openStream(url, resume)
      using second = await openStream(url, resume)
      await publishUntil(channels, [first, second])
      expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('"named.numbers"'))
    },
  )

  it.each(Object.entries(goodGenerators))(
    'a generator %s resumes, without a warning',
    async (_, result) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      await using server = await setup(result)
      const { channels, url } = server
      // A worker in the same process doesn't need to resume.
      const worker = channels.numbers().subscribe({ replay: 'all' })[Symbol.asyncIterator]()
      const [one] = await channels.numbers().publishMany([1, 2, 3])
      for (let i = 0; i < 3; i++) await worker.next()
      using stream = await openStream(url, {
        path: 'named.numbers',
        input: 'lobby',
        lastEventId: one?.id ?? '',
      })
      expect([(await nextNumber(stream)).n, (await nextNumber(stream)).n]).toEqual([2, 3])
      expect(warn).not.toHaveBeenCalled()
      await worker.return?.()
    },
  )
})

/** Waits until the client knows the position. */
async function started(stream: RawStream): Promise<void> {
  for (;;) {
    const { event, id } = await stream.next()
    if (
      (event === 'restore-id' || event === '$started' || event === 'message' || event === 'a') &&
      id
    )
      return
  }
}

async function ended(stream: RawStream): Promise<void> {
  for (;;) {
    const { event } = await stream.next()
    if (event === 'return' || event === '$stopped') return
  }
}

/** Publishes until each stream has a number: a generator starts to read at some later time. */
async function publishUntil(channels: Channels, streams: readonly RawStream[]): Promise<void> {
  let missing = streams.length
  const waiting = streams.map((stream) => nextNumber(stream).then(() => missing--))
  while (missing > 0) {
    await channels.numbers().publish(9)
    await setImmediate()
  }
  await Promise.all(waiting)
}
