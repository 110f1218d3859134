import { once } from 'node:events'
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  loggerLink,
  retryLink,
  splitLink,
  TRPCClientError,
  type TRPCLink,
} from '@trpc/client'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { createHTTPServer as createStockServer } from '@trpc/server/adapters/standalone'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { EventSource, type EventSourceFetchInit } from 'eventsource'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

interface Context {
  readonly user: string | undefined
  readonly token: string | undefined
}

const t = initTRPC.context<Context>().create({ transformer: superjson })

const messageSchema = z.object({ n: z.number(), at: z.date() })

function createApp() {
  const channels = createChannels({
    transformer: superjson,
    channels: { log: channel({ event: messageSchema }) },
  })
  const runs = { retryable: 0, refusedOnce: 0 }
  const ended = createInbox<string>()
  const router = t.router({
    // An example of an app's own generator, which resumes by itself.
    count: t.procedure
      .input(z.object({ to: z.number(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input }) {
        for (let n = Number(input.lastEventId ?? 0) + 1; n <= input.to; n++) {
          yield tracked(String(n), { n, at: new Date(n) })
        }
      }),
    untracked: t.procedure.subscription(async function* () {
      yield new Date(0)
      yield undefined
      yield new Map([['a', 1]])
    }),
    log: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
    forbidden: t.procedure.subscription(async function* () {
      yield tracked('1', 'before')
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not for you' })
    }),
    retryable: t.procedure
      .input(z.object({ lastEventId: z.string().nullish() }).optional())
      .subscription(async function* ({ input }) {
        runs.retryable += 1
        yield tracked(String(runs.retryable), input?.lastEventId ?? 'none')
        if (runs.retryable === 1) throw new Error('try again')
      }),
    refusedOnce: t.procedure.subscription(async function* (opts) {
      runs.refusedOnce += 1
      if (runs.refusedOnce === 2) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'once' })
      yield* channels.log().subscribe(opts)
    }),
    endless: t.procedure.subscription(async function* ({ signal }) {
      try {
        yield 'first'
        if (signal) await once(new EventTarget(), 'never', { signal })
      } finally {
        ended.put('finally')
      }
    }),
    whoami: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx
    }),
    add: t.procedure
      .input(z.object({ a: z.number(), b: z.number() }))
      .query(({ input }) => input.a + input.b),
    publish: t.procedure
      .input(messageSchema)
      .mutation(async ({ input }) => (await channels.log().publish(input)).id),
  })
  return { router, channels, runs, ended }
}

type AppRouter = ReturnType<typeof createApp>['router']

const createContext = ({
  req,
  info,
}: Parameters<NonNullable<Parameters<typeof createStockServer>[0]['createContext']>>[0]) => ({
  user: info.connectionParams?.user,
  token: req.headers.token?.toString(),
})

const servers = {
  'our server': (app: ReturnType<typeof createApp>) =>
    createHTTPServer({ router: app.router, createContext, channels: app.channels, retryMs: 10 }),
  "tRPC's own server": (app: ReturnType<typeof createApp>) =>
    createStockServer({ router: app.router, createContext }),
}

const ourLink = (url: string, mode: 'multiplexed' | 'single'): TRPCLink<AppRouter> =>
  sseLink({
    url,
    mode,
    transformer: superjson,
    headers: { token: 't' },
    connectionParams: () => ({ user: 'ann' }),
    retry: { baseMs: 1, maxMs: 10 },
    onFallback: () => {},
  })

const clients: Record<string, (url: string) => TRPCLink<AppRouter>> = {
  'our link': (url) => ourLink(url, 'multiplexed'),
  'our link in single mode': (url) => ourLink(url, 'single'),
  "tRPC's link": (url) =>
    httpSubscriptionLink({
      url,
      transformer: superjson,
      EventSource,
      connectionParams: () => ({ user: 'ann' }),
      eventSourceOptions: {
        fetch: (address: string | URL, init: EventSourceFetchInit) =>
          fetch(address, { ...init, headers: { ...init.headers, token: 't' } }),
      },
    }),
}

async function setup(server: keyof typeof servers, client: string) {
  const app = createApp()
  const served = await listen(servers[server](app))
  const end = (clients[client] as (url: string) => TRPCLink<AppRouter>)(served.url)
  const calls = httpBatchLink<AppRouter>({ url: served.url, transformer: superjson })
  const trpc = createTRPCClient<AppRouter>({
    links: [
      splitLink({ condition: ({ type }) => type === 'subscription', true: end, false: calls }),
    ],
  })
  return {
    ...app,
    trpc,
    end,
    cut: served.cut,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]()
      await app.channels.close()
    },
  }
}

/** Handlers that record everything as short texts and values. */
function handlers() {
  const news = createInbox<unknown>()
  return {
    news,
    onStarted: () => news.put('started'),
    onData: (data: unknown) => news.put({ data }),
    onError: (error: unknown) => news.put(error),
    onStopped: () => news.put('stopped'),
    onComplete: () => news.put('complete'),
    onConnectionStateChange: ({ state }: { state: string }) => news.put(state),
  }
}

const pairs = Object.keys(servers).flatMap((server) =>
  Object.keys(clients).map((client) => [client, server as keyof typeof servers] as const),
)
const opened = ['connecting', 'started', 'pending']

describe.concurrent.each(pairs)('%s on %s', (client, server) => {
  it('P24: gets tracked events through the transformer, and the return', async () => {
    await using app = await setup(server, client)
    const received = handlers()
    app.trpc.count.subscribe({ to: 2 }, received)
    expect(await received.news.takeMany(8)).toEqual([
      ...opened,
      { data: { id: '1', data: { n: 1, at: new Date(1) } } },
      { data: { id: '2', data: { n: 2, at: new Date(2) } } },
      'stopped',
      'idle',
      'complete',
    ])
  })

  it('gets untracked events of any type', async () => {
    await using app = await setup(server, client)
    const received = handlers()
    app.trpc.untracked.subscribe(undefined, received)
    const news = await received.news.takeMany(6)
    expect(news.slice(3)).toEqual([
      { data: new Date(0) },
      { data: undefined },
      { data: new Map([['a', 1]]) },
    ])
  })

  it('P23: ends with an error that is not retryable', async () => {
    await using app = await setup(server, client)
    const received = handlers()
    app.trpc.forbidden.subscribe(undefined, received)
    const news = await received.news.takeMany(5)
    expect(news.slice(0, 4)).toEqual([...opened, { data: { id: '1', data: 'before' } }])
    expect(news[4]).toBeInstanceOf(TRPCClientError)
    expect(news[4]).toMatchObject({
      message: 'not for you',
      data: { code: 'FORBIDDEN', path: 'forbidden' },
    })
  })

  it('P41: connects again, with its position, after an error that is retryable', async () => {
    await using app = await setup(server, client)
    const data = createInbox<unknown>()
    const errors = createInbox<string>()
    const complete = createInbox<'complete'>()
    app.trpc.retryable.subscribe(undefined, {
      onData: data.put,
      onComplete: () => complete.put('complete'),
      onConnectionStateChange: ({ error }) => error && errors.put(error.message),
    })
    await complete.take()
    expect(data.items).toEqual([
      { id: '1', data: 'none' },
      { id: '2', data: '1' },
    ])
    expect(errors.items).toContain('try again')
  })

  it('resumes a channel after its socket was cut: every event once, with its types', async () => {
    await using app = await setup(server, client)
    const data = createInbox<unknown>()
    const started = createInbox<'started'>()
    app.trpc.log.subscribe(undefined, {
      onStarted: () => started.put('started'),
      onData: (event) => data.put(event.data),
    })
    await started.take()
    await app.trpc.publish.mutate({ n: 1, at: new Date(1) })
    expect(await data.take()).toEqual({ n: 1, at: new Date(1) })
    app.cut()
    await app.channels.log().publish({ n: 2, at: new Date(2) })
    expect(await data.take()).toEqual({ n: 2, at: new Date(2) })
    expect(data.items).toHaveLength(2)
  })

  it('P28: is unsubscribed, and the procedure ends', async () => {
    await using app = await setup(server, client)
    const received = handlers()
    const subscription = app.trpc.endless.subscribe(undefined, received)
    await received.news.takeMany(4)
    subscription.unsubscribe()
    expect(await app.ended.take()).toBe('finally')
    expect(received.news.items.slice(4)).not.toContainEqual(expect.any(Error))
  })

  it('passes its headers and connectionParams to createContext', async () => {
    await using app = await setup(server, client)
    const received = handlers()
    app.trpc.whoami.subscribe(undefined, received)
    expect((await received.news.takeMany(4))[3]).toEqual({ data: { user: 'ann', token: 't' } })
  })

  it('calls queries and mutations beside it', async () => {
    await using app = await setup(server, client)
    const sums = [app.trpc.add.query({ a: 1, b: 2 }), app.trpc.add.query({ a: 3, b: 4 })]
    expect(await Promise.all(sums)).toEqual([3, 7])
    expect(await app.trpc.publish.mutate({ n: 1, at: new Date(1) })).toMatch(/^\d+-\d+$/)
    const bad = app.trpc.publish.mutate({ n: 'one' as never, at: new Date(1) })
    await expect(bad).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } })
  })

  it('works behind retryLink and loggerLink, and resumes from its position', async () => {
    await using app = await setup(server, client)
    const logged: string[] = []
    const trpc = createTRPCClient<AppRouter>({
      links: [
        loggerLink({ logger: ({ direction }) => logged.push(direction) }),
        retryLink({ retry: ({ error }) => error.data?.code === 'UNAUTHORIZED' }),
        app.end,
      ],
    })
    const data = createInbox<unknown>()
    const started = createInbox<'started'>()
    trpc.refusedOnce.subscribe(undefined, {
      onStarted: () => started.put('started'),
      onData: (event) => data.put(event.data.n),
    })
    await started.take()
    await app.channels.log().publish({ n: 1, at: new Date(1) })
    expect(await data.take()).toBe(1)
    app.cut()
    await app.channels.log().publish({ n: 2, at: new Date(2) })
    expect(await data.take()).toBe(2)
    expect(data.items).toHaveLength(2)
    expect(app.runs.refusedOnce).toBe(3)
    expect(logged).toContain('down')
  })
})
