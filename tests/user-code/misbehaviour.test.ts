import { setImmediate } from 'node:timers/promises'
import { format } from 'node:util'
import { redisBackend } from '@trpc-sse/redis'
import { memoryBackend } from '@trpc-sse/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openRaw, type RawStream, subscriptionUrl } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import {
  type BadApp,
  type Behaviour,
  type Outcome,
  type Place,
  places,
  type RequestPlace,
  requestPlaces,
  startBadApp,
  thrown,
} from './misbehaviour.ts'

type Case = readonly [place: Place | RequestPlace, behaviour: Behaviour, outcome: Outcome]

const casesOf = (table: object): readonly Case[] =>
  Object.entries(table).flatMap(([place, outcomes]) =>
    Object.entries(outcomes as object).map(
      ([behaviour, outcome]) => [place, behaviour, outcome] as Case,
    ),
  )

/** The same cases, with thrown values that are not ordinary errors. */
const thrownCasesOf = (table: object): readonly Case[] =>
  casesOf(table)
    .filter(([, behaviour]) => behaviour === 'throws')
    .flatMap(([place, , outcome]) =>
      Object.keys(thrown).map(
        (what) => [place, `throws ${what as keyof typeof thrown}`, outcome] as const,
      ),
    )

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

const escaped: unknown[] = []
const onEscaped = (error: unknown): void => void escaped.push(error)
beforeEach(() => {
  // Like the real one, it throws for a value that can't be printed.
  vi.spyOn(console, 'error').mockImplementation((...what) => void format(...what))
  process.on('unhandledRejection', onEscaped)
  process.on('uncaughtException', onEscaped)
})
afterEach(() => {
  process.off('unhandledRejection', onEscaped)
  process.off('uncaughtException', onEscaped)
  vi.restoreAllMocks()
})

const backends = {
  memory: () => memoryBackend(),
  Redis: () => redisBackend({ url: redis.url }, { prefix: `bad-${crypto.randomUUID()}` }),
}

const input = { bad: true }

/** The streams of a good and a bad subscription; the bad one's may not start at all. */
interface Streams {
  readonly good: RawStream
  readonly bad: Promise<RawStream>
}

const multiplexed = (url: string, subscriptions: object, headers = {}): Promise<RawStream> =>
  openRaw(`${url}/~sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
  })

const modes = {
  async single({ url }: BadApp): Promise<Streams> {
    const good = await openRaw(subscriptionUrl(url, 'good'))
    const bad = openRaw(subscriptionUrl(url, 'bad', { input }))
    // It may not be answered before the test is over.
    bad.catch(() => {})
    return { good, bad }
  },
  async multiplexed({ url }: BadApp): Promise<Streams> {
    const good = await multiplexed(url, { good: { path: 'good' }, bad: { path: 'bad', input } })
    return { good, bad: Promise.resolve(good) }
  },
}

const badRequests = {
  single: (url: string) => openRaw(subscriptionUrl(url, 'good'), { headers: { bad: 'yes' } }),
  multiplexed: (url: string) => multiplexed(url, { good: { path: 'good' } }, { bad: 'yes' }),
}

const isError = ({ event }: { event: string }): boolean =>
  event === '$error' || event === 'serialized-error'

/** Publishes, and waits until the good subscription has the event. */
async function isWell(app: BadApp, stream: RawStream, n: number): Promise<void> {
  await app.publish(n)
  await until(
    stream,
    ({ event, data }) => (event === 'good' || event === 'message') && data === `${n}`,
  )
}

async function until(
  stream: RawStream,
  is: (message: Awaited<ReturnType<RawStream['next']>>) => boolean,
): Promise<void> {
  if (stream.messages.some(is)) return
  for (let message = await stream.next(); !is(message); message = await stream.next());
}

/** Waits until a request is answered with an error, instead of a stream or on it. */
async function answersError(stream: RawStream): Promise<boolean> {
  if (stream.status >= 400) return true
  await until(stream, isError)
  return true
}

/** Disconnects all clients, and checks that nothing of them is left and no error was uncaught. */
async function isClean(app: BadApp): Promise<void> {
  app.cut()
  await app.link.drain()
  await setImmediate()
  expect(app.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  expect(escaped.splice(0)).toEqual([])
}

describe.each(Object.entries(backends))('in %s', (backendName, backend) => {
  describe.each(['node', 'fetch'] as const)('through the %s adapter', (adapter) => {
    describe.each(Object.entries(modes))('in %s mode', (mode, open) => {
      const isShort = adapter === 'node' && backendName === 'memory'
      it.each([...casesOf(places), ...(isShort ? thrownCasesOf(places) : [])])(
        'only the subscription whose %s %s is affected (%s)',
        async (place, behaviour, outcome) => {
          await using app = await startBadApp({ backend: backend(), adapter, place, behaviour })
          await app.publish(1)
          const { good, bad } = await open(app)
          if (outcome === 'error') await until(await bad, isError)
          if (outcome === 'goes on')
            await until(await bad, ({ event }) => event === 'bad' || event === 'message')
          await isWell(app, good, 2)
          if (outcome === 'error') expect((await bad).messages.filter(isError)).toHaveLength(1)
          else expect(good.messages.filter(isError)).toEqual([])
          await isClean(app)
        },
      )

      it.each([...casesOf(requestPlaces), ...(isShort ? thrownCasesOf(requestPlaces) : [])])(
        'only the request whose %s %s is affected (%s)',
        async (place, behaviour, outcome) => {
          await using app = await startBadApp({ backend: backend(), adapter, place, behaviour })
          const { good } = await open(app)
          const bad = badRequests[mode as keyof typeof badRequests](app.url)
          bad.catch(() => {})
          await app.reached
          if (outcome === 'error') expect(await answersError(await bad)).toBe(true)
          await isWell(app, good, 1)
          await isClean(app)
        },
      )
    })
  })
})
