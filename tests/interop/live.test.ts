import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCLink,
} from '@trpc/client'
import { initTRPC, isTrackedEnvelope, TRPCError, tracked } from '@trpc/server'
import { createHTTPServer as createStockServer } from '@trpc/server/adapters/standalone'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import {
  type Backend,
  channel,
  createChannels,
  type LiveEvent,
  memoryBackend,
} from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { EventSource } from 'eventsource'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type Door, openDoor } from '../support/door.ts'
import { listen, openRaw } from '../support/http.ts'
import { createInbox, type Inbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { seededRandom } from '../support/seeded-random.ts'

const t = initTRPC.create({ transformer: superjson })

interface Todo {
  readonly n: number
  readonly at: Date
}

type Live = LiveEvent<readonly Todo[], Todo>

/** A database of numbered todos, and a channel with an event for each. */
function createApp(backend: Backend = memoryBackend()) {
  const onError = vi.fn()
  const channels = createChannels({
    backend,
    onError,
    transformer: superjson,
    positionCheckMs: 200,
    window: { events: 16 },
    channels: {
      todos: channel({ event: z.object({ n: z.number(), at: z.date() }), retain: { events: 10 } }),
    },
  })
  const rows: Todo[] = []
  const state = {
    /** The number of queries to the database. */
    loads: 0,
    /** The error of the next load. */
    failure: undefined as unknown,
  }
  async function load(): Promise<readonly Todo[]> {
    state.loads += 1
    const { failure } = state
    state.failure = undefined
    if (failure !== undefined) throw failure
    return [...rows]
  }
  const loadTracked = async () => tracked(await channels.todos().lastEventId(), await load())
  let shared: ReturnType<typeof loadTracked> | undefined
  const router = t.router({
    onTodos: t.procedure.subscription((opts) => channels.todos().live(opts, load)),
    // One load for all clients: it returns its position.
    onTodosShared: t.procedure.subscription((opts) =>
      channels.todos().live(opts, () => (shared ??= loadTracked())),
    ),
    onTodo: t.procedure
      .input(z.object({ lastEventId: z.string() }))
      .subscription((opts) => channels.todos().subscribe(opts)),
    todos: t.procedure.query(async () => {
      const lastEventId = await channels.todos().lastEventId()
      return { data: await load(), lastEventId }
    }),
  })
  return {
    channels,
    router,
    rows,
    state,
    onError,
    async add(count = 1): Promise<void> {
      for (let i = 0; i < count; i++) {
        const todo = { n: rows.length + 1, at: new Date(rows.length + 1) }
        rows.push(todo)
        await channels.todos().publish(todo)
      }
    },
  }
}

type App = ReturnType<typeof createApp>
type AppRouter = App['router']

interface Served extends AsyncDisposable {
  readonly door: Door
  /** Disconnects clients until `comeBack`. */
  goAway(): void
  comeBack(): void
}

async function serve(app: App, stock = false): Promise<Served> {
  const { router, channels } = app
  const server = stock
    ? createStockServer({ router })
    : createHTTPServer({ router, channels, retryMs: 10, onError: () => {} })
  const { url } = await listen(server as never)
  const port = Number(new URL(url).port)
  const door = await openDoor([port])
  return {
    door,
    goAway() {
      door.setPorts([])
      door.cut()
    },
    comeBack: () => door.setPorts([port]),
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await channels.close()
    },
  }
}

const transformer = superjson
const retry = { baseMs: 10, maxMs: 50 }
const links: Record<string, (url: string) => TRPCLink<AppRouter>> = {
  sseLink: (url) => sseLink({ url, transformer, retry }),
  'sseLink in single mode': (url) => sseLink({ url, transformer, retry, mode: 'single' }),
  httpSubscriptionLink: (url) => httpSubscriptionLink({ url, transformer, EventSource }),
}

interface Followed {
  readonly values: Inbox<{ readonly id: string; readonly data: Live }>
  readonly errors: unknown[]
  readonly gaps: unknown[]
  readonly states: string[]
  /** Waits for the todo with this number. */
  until(n: number): Promise<void>
  stop(): void
}

function clientOf(url: string, link: TRPCLink<AppRouter>) {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: link,
        false: httpBatchLink({ url, transformer }),
      }),
    ],
  })
}

function follow(
  client: ReturnType<typeof clientOf>,
  path: 'onTodos' | 'onTodosShared' = 'onTodos',
): Followed {
  const values = createInbox<{ readonly id: string; readonly data: Live }>()
  const errors: unknown[] = []
  const gaps: unknown[] = []
  const states: string[] = []
  const subscription = client[path].subscribe(undefined, {
    onData: values.put,
    onError: (error) => errors.push(error),
    onConnectionStateChange: ({ state }) => states.push(state),
    context: { onGap: (gap: unknown) => gaps.push(gap) },
  })
  return {
    values,
    errors,
    gaps,
    states,
    until: (n) =>
      vi.waitFor(() => expect(stateOf(values.items).at(-1)).toBe(n), {
        timeout: 15_000,
        interval: 5,
      }),
    stop: () => subscription.unsubscribe(),
  }
}

/**
 * The state of a client that replaces everything at a snapshot, and adds the todo of an event if it
 * is new.
 */
function stateOf(values: ReadonlyArray<{ readonly data: Live }>): number[] {
  let state: number[] | undefined
  for (const { data: value } of values) {
    if (value.type === 'snapshot') state = value.data.map(({ n }) => n)
    else if (state === undefined) throw new Error('an event came before the snapshot')
    else if (!state.includes(value.data.n)) state.push(value.data.n)
  }
  return state ?? []
}

const typesOf = ({ values }: Followed): string[] => values.items.map(({ data }) => data.type)

describe.each(Object.entries(links))('live, followed by %s', (name, createLink) => {
  async function start(options: { stock?: boolean } = {}) {
    const app = createApp()
    const served = await serve(app, options.stock)
    const client = clientOf(served.door.url, createLink(served.door.url))
    return { app, client, ...served, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
  }

  it('is a snapshot and what happens from there on, with its types', async () => {
    await using s = await start()
    await s.app.add(2)
    const live = follow(s.client)
    expect((await live.values.take()).data).toEqual({ type: 'snapshot', data: s.app.rows })
    await s.app.add()
    expect((await live.values.take()).data).toEqual({
      type: 'event',
      data: { n: 3, at: new Date(3) },
    })
    live.stop()
  })

  it('goes on with events after a cut, and loads nothing', async () => {
    await using s = await start()
    await s.app.add()
    const live = follow(s.client)
    await live.until(1)
    s.goAway()
    await s.app.add(5)
    s.comeBack()
    await live.until(6)
    expect(typesOf(live)).toEqual(['snapshot', ...range(2, 6).map(() => 'event')])
    expect(s.app.state.loads).toBe(1)
    live.stop()
  })

  it('has a new snapshot if the log has moved on, and no gap', async () => {
    await using s = await start()
    await s.app.add()
    const live = follow(s.client)
    await live.until(1)
    s.goAway()
    await expect.poll(() => live.states.at(-1)).toBe('connecting')
    await s.app.add(40)
    s.comeBack()
    await live.until(41)
    await s.app.add()
    await live.until(42)
    expect(stateOf(live.values.items)).toEqual(range(1, 42))
    expect(typesOf(live).filter((type) => type === 'snapshot')).toHaveLength(2)
    expect([live.gaps, live.errors, s.app.onError.mock.calls]).toEqual([[], [], []])
    live.stop()
  })

  it('retries when its loader fails, and ends if the loader refuses', async () => {
    await using s = await start()
    await s.app.add(2)
    s.app.state.failure = new Error('no database')
    const live = follow(s.client)
    await live.until(2)
    expect(typesOf(live)).toEqual(['snapshot'])
    live.stop()
    s.app.state.failure = new TRPCError({ code: 'FORBIDDEN', message: 'not yours' })
    const refused = follow(s.client)
    await expect.poll(() => refused.errors).toMatchObject([{ data: { code: 'FORBIDDEN' } }])
  })

  if (name !== 'sseLink')
    it("is the same on tRPC's own server", async () => {
      await using s = await start({ stock: true })
      await s.app.add(2)
      const live = follow(s.client)
      expect((await live.values.take()).data).toEqual({ type: 'snapshot', data: s.app.rows })
      await s.app.add()
      await live.until(3)
      live.stop()
    })
})

describe('live', () => {
  it('is there for createCaller', async () => {
    const app = createApp()
    await app.add()
    const iterable = await app.router.createCaller({}).onTodos()
    const iterator = iterable[Symbol.asyncIterator]()
    const next = async () => {
      const { value } = await iterator.next()
      return isTrackedEnvelope(value) ? value[1] : undefined
    }
    expect(await next()).toEqual({ type: 'snapshot', data: app.rows })
    await app.add()
    expect(await next()).toEqual({ type: 'event', data: { n: 2, at: new Date(2) } })
    await iterator.return?.()
    await app.channels.close()
  })

  it('has a position before its snapshot until that is sent: a resume from there begins with a snapshot', async () => {
    const app = createApp()
    await using served = await serve(app)
    await app.add()
    const { url } = served.door
    using stream = await openRaw(`${url}/onTodos`)
    const [, position, first] = await stream.nextMany(3)
    expect(position).toMatchObject({ event: 'restore-id', data: '', id: 'snapshot' })
    expect(first).toMatchObject({ event: 'message', id: await app.channels.todos().lastEventId() })
    using resumed = await openRaw(`${url}/onTodos`, { headers: { 'last-event-id': 'snapshot' } })
    expect((await resumed.nextMany(2))[1]).toMatchObject({
      event: 'message',
      id: first?.id,
      data: first?.data,
    })
  })

  it('is loaded once and encoded once for many, if the snapshot names its position', async () => {
    const app = createApp()
    await using served = await serve(app)
    const { url } = served.door
    const serialize = vi.spyOn(superjson, 'serialize')
    const all = range(1, 20).map(() =>
      follow(clientOf(url, sseLink({ url, transformer, retry })), 'onTodosShared'),
    )
    for (const { values } of all) await values.take()
    const snapshots = (): number =>
      serialize.mock.calls.filter(([value]) => (value as { type?: string })?.type === 'snapshot')
        .length
    expect(snapshots()).toBe(1)
    expect(app.state.loads).toBe(1)
    await app.add(3)
    for (const one of all) await one.until(3)
    const events = serialize.mock.calls.filter(
      ([value]) => (value as { type?: string })?.type === 'event',
    )
    expect(events).toHaveLength(3)
    serialize.mockRestore()
    for (const one of all) one.stop()
  })
})

describe('a query that returns data and lastEventId', () => {
  it.each(Object.entries(links))('can be continued by %s', async (_, createLink) => {
    const app = createApp()
    await using served = await serve(app)
    const { url } = served.door
    const client = clientOf(url, createLink(url))
    await app.add(3)
    const { data, lastEventId } = await client.todos.query()
    await app.add(2)
    const numbers = createInbox<number>()
    const subscription = client.onTodo.subscribe(
      { lastEventId },
      { onData: ({ data: { n } }) => numbers.put(n) },
    )
    expect(data.map(({ n }) => n)).toEqual([1, 2, 3])
    expect(await numbers.takeMany(2)).toEqual([4, 5])
    await app.add()
    expect(await numbers.take()).toBe(6)
    subscription.unsubscribe()
  })
})

describe.each(['memory', 'redis'])('live through publishes, trims and cuts, on %s', (kind) => {
  let redis: RedisServer | undefined
  beforeAll(async () => {
    if (kind === 'redis') redis = await startRedis()
  })
  afterAll(() => redis?.[Symbol.asyncDispose]())

  it.each([1, 2, 3])('misses nothing (seed %i)', async (seed) => {
    const random = seededRandom(seed)
    await redis?.admin.flushall()
    const app = createApp(redis ? redisBackend({ url: redis.url }) : memoryBackend())
    await using served = await serve(app)
    const { url } = served.door
    const all = Object.values(links).map((createLink) => follow(clientOf(url, createLink(url))))
    const steps: Array<() => unknown> = [
      () => app.add(1 + Math.floor(random() * 4)),
      () => app.add(1 + Math.floor(random() * 4)),
      () => served.door.cut(),
      async () => {
        served.goAway()
        await app.add(Math.floor(random() * 30))
        served.comeBack()
      },
      // The loss of the log becomes visible at the next event.
      async () => redis && random() < 0.5 && (await redis.admin.flushall()),
      // Wait for an event, so that some actions happen while clients are connected.
      () => Promise.race(all.map(({ values }) => values.take())),
    ]
    await app.add()
    for (let i = 0; i < 60; i++) {
      const step = steps[Math.floor(random() * steps.length)]
      await app.add()
      await step?.()
    }
    await app.add()
    for (const one of all) await one.until(app.rows.length)
    for (const one of all) {
      expect(stateOf(one.values.items)).toEqual(range(1, app.rows.length))
      expect([one.gaps, one.errors]).toEqual([[], []])
      one.stop()
    }
    expect(all.flatMap(typesOf).filter((type) => type === 'snapshot').length).toBeGreaterThan(
      all.length,
    )
  })
})
