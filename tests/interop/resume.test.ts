import { createTRPCUntypedClient, httpSubscriptionLink } from '@trpc/client'
import { type AnyTRPCRouter, initTRPC } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen, type TestServer } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { range, receiveNumbers } from '../support/numbers.ts'
import { serveRouter } from '../support/router-server.ts'

const t = initTRPC.create()

function createApp() {
  const channels = createChannels({
    channels: { log: channel({ event: z.number() }), other: channel({ event: z.number() }) },
  })
  const { procedure, router } = t
  const subscribe = (opts: object) => channels.log().subscribe(opts)
  const app = router({
    object: procedure.input(z.object({ room: z.string() })).subscription(subscribe),
    strictObject: procedure.input(z.strictObject({ room: z.string() })).subscription(subscribe),
    withId: procedure
      .input(z.object({ room: z.string(), lastEventId: z.string().nullish() }))
      .subscription(subscribe),
    string: procedure.input(z.string()).subscription(subscribe),
    number: procedure.input(z.number()).subscription(subscribe),
    array: procedure.input(z.array(z.string())).subscription(subscribe),
    tuple: procedure.input(z.tuple([z.string(), z.number()])).subscription(subscribe),
    union: procedure
      .input(z.union([z.string(), z.strictObject({ room: z.string() })]))
      .subscription(subscribe),
    transformed: procedure
      .input(z.strictObject({ room: z.string() }).transform(({ room }) => room))
      .subscription(subscribe),
    void: procedure.input(z.void()).subscription(subscribe),
    none: procedure.subscription(subscribe),
    filtered: procedure.subscription((opts) =>
      channels
        .log()
        .subscribe(opts)
        .filter((n) => n > 0),
    ),
    mapped: procedure.input(z.string()).subscription((opts) =>
      channels
        .log()
        .subscribe(opts)
        .map((n) => n),
    ),
    merged: procedure
      .input(z.array(z.string()))
      .subscription((opts) =>
        merge([channels.log().subscribe(opts), channels.other().subscribe(opts)]),
      ),
    generator: procedure.input(z.string()).subscription(async function* (opts) {
      yield* channels.log().subscribe(opts)
    }),
    middleware: procedure
      .use(({ next }) => next())
      .input(z.string())
      .subscription(subscribe),
  })
  return { app, channels }
}

/** The input of each procedure. */
const inputs: Record<string, unknown> = {
  object: { room: 'a' },
  strictObject: { room: 'a' },
  withId: { room: 'a' },
  string: 'a',
  number: 0,
  array: ['a'],
  tuple: ['a', 1],
  union: { room: 'a' },
  transformed: { room: 'a' },
  void: undefined,
  none: undefined,
  filtered: undefined,
  mapped: '',
  merged: [],
  generator: 'a',
  middleware: 'a',
}

const ourLink = (url: string, mode: 'multiplexed' | 'single') =>
  sseLink<AnyTRPCRouter>({ url, mode, retry: { baseMs: 1, maxMs: 20 }, onFallback: () => {} })

const clients = {
  'our link': (url: string) => ourLink(url, 'multiplexed'),
  'our link in single mode': (url: string) => ourLink(url, 'single'),
  "tRPC's link": (url: string) =>
    httpSubscriptionLink<AnyTRPCRouter, typeof EventSource>({ url, EventSource }),
}

interface Run {
  readonly server: TestServer
  readonly channels: ReturnType<typeof createApp>['channels']
  readonly client: keyof typeof clients
  readonly path: string
  /** The number of events before the first cut. */
  readonly first: number
}

/**
 * Cuts the connection again and again while events are published, and expects each event once and
 * in order.
 */
async function expectResumed({ server, channels, client, path, first }: Run): Promise<void> {
  const received = receiveNumbers()
  const started = createInbox<'started'>()
  const publish = (from: number, to: number) => channels.log().publishMany(range(from, to))
  const failed = new Promise<never>((_, reject) => {
    createTRPCUntypedClient({ links: [clients[client](server.url)] }).subscription(
      path,
      inputs[path],
      {
        onStarted: () => started.put('started'),
        onData: received.onData as never,
        onError: reject,
      },
    )
  })
  const orFailed = (done: Promise<unknown>): Promise<unknown> => Promise.race([done, failed])
  await orFailed(started.take())
  if (first > 0) {
    await publish(1, first)
    await orFailed(received.until(first))
  }
  for (const from of [first + 1, first + 11]) {
    server.cut()
    await publish(from, from + 9)
    await orFailed(received.until(from + 9))
  }
  expect(received.numbers).toEqual(range(1, first + 20))
}

describe.each(Object.keys(clients) as Array<keyof typeof clients>)(
  'P13, P20: %s on our server resumes, even before its first event,',
  (client) => {
    it.concurrent.each(Object.keys(inputs))('if the input is: %s', async (path) => {
      const { app, channels } = createApp()
      await using server = await serveRouter(app, { retryMs: 10 })
      await expectResumed({ server, channels, client, path, first: 0 })
      await channels.close()
    })
  },
)

// tRPC's own server merges the id into the input, which works for these.
const resumableInStock = ['object', 'withId', 'none', 'filtered']

describe.each(Object.keys(clients) as Array<keyof typeof clients>)(
  "%s on tRPC's own server resumes a channel",
  (client) => {
    it.concurrent.each(resumableInStock)('if the input is: %s', async (path) => {
      const { app, channels } = createApp()
      await using server = await listen(createHTTPServer({ router: app, onError: () => {} }))
      await expectResumed({ server, channels, client, path, first: 5 })
      await channels.close()
    })
  },
)
