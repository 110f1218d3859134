import { once } from 'node:events'
import { request } from 'node:http'
import { redisBackend } from '@trpc-sse/redis'
import { type Backend, memoryBackend } from '@trpc-sse/server'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask, openRaw, type RawStream, subscriptionUrl } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import {
  type Call,
  type ContextApp,
  type ContextAppOptions,
  startContextApp,
  storage,
} from './context-app.ts'

const input = { wire: { room: 'lobby' } }
/** An id that is in no log, so a resume from it starts with a gap. */
const lost = '1-1'
const wanted = {
  changed: { path: 'changed', input },
  first: { path: 'live', input },
  again: { path: 'live', input, lastEventId: lost },
  steps: { path: 'steps', input },
  observed: { path: 'observed', input },
  fails: { path: 'fails', input },
  hangs: { path: 'hangs', input },
}
type Wanted = Partial<typeof wanted>

const post = (store: string, body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', store },
  body: JSON.stringify({ version: 1, ...body }),
})

async function open(app: ContextApp, store: string, subscriptions: Wanted): Promise<RawStream> {
  return await openRaw(`${app.url}/~sse`, post(store, { revision: 1, subscriptions }))
}

async function connectionIdOf(stream: RawStream): Promise<string> {
  return JSON.parse((await stream.next()).data).connectionId
}

/** The pieces of user code that a subscription calls for its own client. */
const ownPieces = [
  'middleware',
  'input parser',
  'output parser',
  'resolver',
  'deserialize room',
  'filter',
  'map',
  'serialize mapped',
  'loader',
  'serialize snapshot',
  'loader aborted',
  'generator step',
  'serialize yielded',
  'generator finally',
  'observable setup',
  'serialize observed',
  'observable teardown',
  'errorFormatter',
  'serialize message',
  'onError',
]
/** The pieces that it calls last. */
const lastPieces = ['loader aborted', 'generator finally', 'observable teardown']
/** The pieces that are called once for all subscriptions. */
const sharedPieces = ['deserialize n', 'serialize event']

interface Servers {
  readonly here: ContextApp
  readonly elsewhere: ContextApp
}

/** A stream, and the number of its subscriptions that send a first and a last value. */
interface Followed {
  readonly stream: RawStream
  readonly first: number
  readonly last: number
}

const all = (stream: RawStream): Followed => ({ stream, first: 6, last: 5 })
const one = (stream: RawStream, name: string): Followed => ({
  stream,
  first: name === 'hangs' ? 0 : 1,
  last: name === 'hangs' || name === 'fails' ? 0 : 1,
})

const sentPattern = { first: /"(mapped|loaded|yielded|observed)":|error/, last: /4242/ }

/** Reads until all subscriptions of a stream have sent their first or last value. */
async function untilSent(followed: Followed, what: keyof typeof sentPattern): Promise<void> {
  for (let count = 0; count < followed[what]; ) {
    const { event, data } = await followed.stream.next()
    if (sentPattern[what].test(`${event} ${data}`)) count += 1
  }
}

interface Opened {
  readonly streams: readonly Followed[]
  /** The store in which its subscriptions must run. */
  readonly store: string | undefined
}

type Mode = (servers: Servers) => Promise<Opened>

const modes: Record<string, Mode> = {
  async single({ here }) {
    const streams = Object.entries(wanted).map(async ([name, { path, ...query }]) =>
      one(
        await openRaw(subscriptionUrl(here.url, path, query), { headers: { store: 'alice' } }),
        name,
      ),
    )
    return { streams: await Promise.all(streams), store: 'alice' }
  },
  async multiplexed({ here }) {
    return { streams: [all(await open(here, 'alice', wanted))], store: 'alice' }
  },
  async 'added by a control request'({ here }) {
    const stream = await open(here, 'alice', {})
    const connectionId = await connectionIdOf(stream)
    const body = { connectionId, revision: 2, subscriptions: wanted }
    expect((await ask(`${here.url}/~sse`, post('alice, later', body))).status).toBe(200)
    return { streams: [all(stream)], store: 'alice, later' }
  },
  async 'added through another instance'({ here, elsewhere }) {
    const stream = await open(here, 'alice', {})
    const connectionId = await connectionIdOf(stream)
    const body = { connectionId, revision: 2, subscriptions: wanted }
    expect((await ask(`${elsewhere.url}/~sse`, post('alice, elsewhere', body))).status).toBe(200)
    return { streams: [all(stream)], store: undefined }
  },
}

const storesOf = (calls: readonly Call[], piece: string) =>
  new Set(calls.filter((call) => call.piece === piece).map(({ store }) => store))

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

type Start = (
  options?: Pick<ContextAppOptions, 'runWithContext' | 'middleware'>,
) => Promise<Servers & AsyncDisposable>

function starter(kind: 'memory' | 'Redis', adapter: ContextAppOptions['adapter']): Start {
  return async (options = {}) => {
    const shared = memoryBackend()
    const prefix = `context-${crypto.randomUUID()}`
    const backend = (): Backend =>
      kind === 'Redis' ? redisBackend({ url: redis.url }, { prefix }) : shared
    const here = await startContextApp({ backend: backend(), adapter, ...options })
    const elsewhere = await startContextApp({ backend: backend(), adapter })
    return {
      here,
      elsewhere,
      // Node 20 and 22 have no AsyncDisposableStack.
      async [Symbol.asyncDispose]() {
        await elsewhere[Symbol.asyncDispose]()
        await here[Symbol.asyncDispose]()
      },
    }
  }
}

/**
 * Subscribes to everything as bob and as alice, and disconnects both from a third context. Returns
 * all calls, and alice's store.
 */
async function run(servers: Servers, openAsAlice: Mode) {
  const { here } = servers
  await here.publish(1)
  // The first stream opens the shared parts: hubs, timers, connections to Redis.
  const bob = all(await open(here, 'bob', wanted))
  await untilSent(bob, 'first')
  const { streams, store } = await openAsAlice(servers)
  await Promise.all(streams.map((stream) => untilSent(stream, 'first')))
  await here.publish(4242)
  await Promise.all([bob, ...streams].map((stream) => untilSent(stream, 'last')))
  storage.run('admin', () => here.link.disconnect(() => true))
  const isOver = (): boolean =>
    lastPieces.every((last) => here.calls.items.filter(({ piece }) => piece === last).length >= 2)
  while (!isOver()) await here.calls.take()
  return { calls: here.calls.items, store }
}

const failing: Record<string, NonNullable<ContextAppOptions['runWithContext']>> = {
  throws() {
    throw new Error('no store')
  },
  'calls nothing': () => {},
  rejects: () => Promise.reject(new Error('no store')),
  async 'calls back, and rejects'(_, run) {
    run()
    throw new Error('no store')
  },
}

describe('a runWithContext', () => {
  it.each(Object.entries(failing))(
    'that %s ends only the subscriptions from the other instance',
    async (_, runWithContext) => {
      await using servers = await starter('memory', 'node')({ runWithContext })
      const { here, elsewhere } = servers
      const { changed, steps } = wanted
      const stream = await open(here, 'alice', { changed })
      const connectionId = await connectionIdOf(stream)
      const body = { connectionId, revision: 2, subscriptions: { changed, steps } }
      await ask(`${elsewhere.url}/~sse`, post('alice', body))
      await here.publish(1)
      const seen = (await stream.nextMany(4)).map(({ event, data }) => `${event} ${data}`)
      expect(seen).toContain('changed {"wire":{"mapped":1}}')
      expect(seen.filter((text) => text.startsWith('$error {"key":"steps"'))).toHaveLength(1)
      expect(here.link.stats()).toMatchObject({ connections: 1, subscriptions: 1 })
      expect(here.calls.items.filter(({ piece }) => piece === 'resolver')).toHaveLength(1)
    },
  )
})

describe('middleware of Node', () => {
  it('may run the link in a store', async () => {
    await using servers = await starter(
      'memory',
      'node',
    )({
      middleware: (_req, _res, next) => storage.run('of the middleware', next),
    })
    const { here } = servers
    await here.publish(1)
    using stream = await openRaw(subscriptionUrl(here.url, 'changed', { input }), {
      headers: { store: 'alice' },
    })
    await untilSent(one(stream, 'changed'), 'first')
    for (const piece of ['createContext', 'middleware', 'resolver', 'filter'])
      expect(storesOf(here.calls.items, piece)).toEqual(new Set(['of the middleware']))
  })
})

describe.each(['memory', 'Redis'] as const)('in %s', (kind) => {
  describe.each(['node', 'fetch'] as const)('through the %s adapter, user code', (adapter) => {
    const start = starter(kind, adapter)

    it.each(Object.entries(modes))(
      'of a subscription runs in the store of its request: %s',
      async (_, mode) => {
        await using servers = await start()
        const { calls, store } = await run(servers, mode)
        const seen = ownPieces.map((piece) => [piece, storesOf(calls, piece)])
        expect(seen).toEqual(ownPieces.map((piece) => [piece, new Set(['bob', store])]))
      },
    )

    it('for all subscriptions runs in no store, and for a publish in the publisher’s', async () => {
      await using servers = await start()
      const { calls } = await run(servers, async ({ here }) => ({
        streams: [all(await open(here, 'alice', wanted))],
        store: 'alice',
      }))
      const seen = sharedPieces.map((piece) => [piece, storesOf(calls, piece)])
      expect(seen).toEqual(sharedPieces.map((piece) => [piece, new Set([undefined])]))
      for (const piece of ['event schema', 'serialize n'])
        expect(storesOf(calls, piece)).toEqual(new Set(['publisher']))
    })

    it('of a request runs in the store of that request', async () => {
      await using servers = await start()
      const { here } = servers
      const stream = await open(here, 'alice', {})
      const connectionId = await connectionIdOf(stream)
      await ask(
        `${here.url}/~sse`,
        post('alice, later', { connectionId, revision: 2, subscriptions: {} }),
      )
      for (const piece of ['createContext', 'connectionKey', 'responseMeta'])
        expect(storesOf(here.calls.items, piece)).toEqual(new Set(['alice', 'alice, later']))
    })

    // The fetch server of these tests reads bodies before it calls the link.
    it.runIf(adapter === 'node')(
      'of a request that is refused before its stream starts runs in the store of that request',
      async () => {
        await using servers = await start()
        const { here } = servers
        const headers = {
          'content-type': 'application/json',
          'content-length': 100,
          store: 'alice',
        }
        const unfinished = request(`${here.url}/~sse`, { method: 'POST', agent: false, headers })
        const answered = once(unfinished, 'response')
        unfinished.on('error', () => {}).write('{')
        await vi.waitUntil(() => here.link.stats().connections === 1)
        await storage.run('admin', () => here.link.drain())
        const [{ statusCode }] = await answered
        expect(statusCode).toBe(503)
        unfinished.destroy()
        for (const piece of ['responseMeta', 'errorFormatter', 'onError'])
          expect(storesOf(here.calls.items, piece)).toEqual(new Set(['alice']))
      },
    )

    it('of a subscription from another instance runs in the store that runWithContext restores', async () => {
      await using servers = await start({
        runWithContext: ({ store }, run) => storage.run(`${store}, restored`, run),
      })
      const { calls } = await run(servers, modes['added through another instance'] as Mode)
      const seen = ownPieces.map((piece) => [piece, storesOf(calls, piece)])
      expect(seen).toEqual(ownPieces.map((piece) => [piece, new Set(['bob', 'alice, restored'])]))
    })
  })
})
