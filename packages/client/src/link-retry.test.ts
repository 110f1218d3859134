import type { AnyTRPCRouter } from '@trpc/server'
import { encode } from '@trpc-sse/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fakeDevice } from '../../../tests/support/fake-device.ts'
import { type Followed, follow, untypedClient } from '../../../tests/support/follow.ts'
import { manualClock } from '../../../tests/support/manual-clock.ts'
import { type RetryOption, type SseLinkOptions, sseLink } from './index.ts'

beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

type Mode = 'single' | 'multiplexed'

/**
 * Ways in which every request fails, and how long the server then asks to wait, in milliseconds.
 */
const failures = {
  'a connection that is refused': 0,
  'a status of 503': 0,
  'a status of 429 with Retry-After': 7_000,
  'a stream that is cut': 0,
  'a response that ends': 0,
  'an error that passes': 0,
  'a stream that asks to wait, and ends': 7_000,
}
type Failure = keyof typeof failures

/** A server whose requests fail, which records their times. */
function failingServer(clock: ReturnType<typeof manualClock>, mode: Mode, failure: Failure) {
  const atMs: number[] = []
  let open: ReadableStreamDefaultController<Uint8Array> | undefined
  async function fetch(_url: string, { body }: RequestInit): Promise<Response> {
    const { connectionId, subscriptions = { '': {} } } = JSON.parse(String(body ?? '{}'))
    const [key] = Object.keys(subscriptions)
    if (key !== undefined) atMs.push(clock.now())
    if (failure === 'a connection that is refused') throw new TypeError('fetch failed')
    if (failure === 'a status of 503') return new Response('', { status: 503 })
    if (failure === 'a status of 429 with Retry-After')
      return new Response('', { status: 429, headers: { 'retry-after': '7' } })
    if (connectionId !== undefined) {
      send(key)
      return new Response('')
    }
    return new Response(stream(key), { headers: { 'content-type': 'text/event-stream' } })
  }
  /** Starts a subscription, which may fail. */
  function send(key: string | undefined): void {
    const error = { code: -32603, message: 'passes' }
    const data = JSON.stringify({ key, error })
    const isSingle = mode === 'single'
    if (key !== undefined && !isSingle) write(encode({ event: '$started', data }))
    if (key === undefined || failure !== 'an error that passes') return
    if (isSingle) write(encode({ event: 'serialized-error', data: JSON.stringify(error) }))
    else write(encode({ event: '$error', data }))
  }
  const write = (text: string): void => open?.enqueue(new TextEncoder().encode(text))
  function stream(key: string | undefined): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start(controller) {
        open = controller
        if (failure === 'a stream that asks to wait, and ends') write(encode({ retryMs: 7_000 }))
        const event = mode === 'single' ? 'connected' : '$connected'
        write(encode({ event, data: '{"connectionId":"c"}' }))
        send(key)
      },
      pull(controller) {
        if (failure === 'a stream that is cut') controller.error(new TypeError('terminated'))
        else if (failure !== 'an error that passes') controller.close()
      },
    })
  }
  return { atMs, fetch }
}

/** Waits until all work that needs no timer is done. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

interface Case {
  readonly mode: Mode
  readonly place: 'link' | 'call'
  readonly failure: Failure
}

const cases: Case[] = (['single', 'multiplexed'] as const).flatMap((mode) =>
  (['link', 'call'] as const).flatMap((place) =>
    (Object.keys(failures) as Failure[]).map((failure) => ({ mode, place, failure })),
  ),
)

/** Subscribes with a retry to a failing server, and lets time pass until everything is over. */
async function run({ mode, place, failure }: Case, retry: RetryOption, attempts: number) {
  const clock = manualClock({ random: 1 })
  const { atMs, fetch } = failingServer(clock, mode, failure)
  const options: SseLinkOptions<AnyTRPCRouter> = {
    url: 'http://server',
    mode,
    fetch,
    clock,
    ...(place === 'link' && { retry }),
  }
  const followed = follow(untypedClient(sseLink(options)), 'p', undefined, {
    ...(place === 'call' && { context: { retry } }),
  })
  await settle()
  const startMs = atMs[0] ?? 0
  for (let steps = 0; steps < 50 && atMs.length < attempts && !isOver(followed); steps++) {
    const [nextMs] = clock.timers()
    if (nextMs !== undefined) clock.advance(nextMs)
    await settle()
  }
  const waits = atMs.slice(1).map((ms, i) => ms - (i === 0 ? startMs : (atMs[i] ?? 0)))
  const end = followed.news.find(([what]) => what === 'error')
  if (!isOver(followed)) followed.unsubscribe()
  await settle()
  clock.advance(1_000)
  return { waits, end, timers: clock.timers(), requests: atMs.length }
}

const isOver = ({ news }: Followed): boolean =>
  news.some(([what]) => what === 'error' || what === 'complete')

describe.each(cases)('in $mode mode, retry of a $place, after $failure', (given) => {
  const askedMs = failures[given.failure]
  const spreadMs = askedMs > 0 ? 100 : 0

  it('false ends the subscription with the error', async () => {
    const { requests, end, timers } = await run(given, false, 2)
    expect(requests).toBe(1)
    expect(end).toEqual(['error', expect.any(Error)])
    expect(timers).toEqual([])
  })

  it('a back-off is added to the wait that the server requests', async () => {
    const { waits, end } = await run(given, { baseMs: 40, maxMs: 60 }, 4)
    expect(end).toBeUndefined()
    expect(waits).toEqual([askedMs + 40, askedMs + 60, askedMs + 60])
  })

  it('a function decides the wait, but at least the one that the server requests', async () => {
    const seen: unknown[] = []
    const retry = vi.fn((attempt: number, error: unknown): number | false => {
      seen.push(error)
      return attempt < 3 && attempt * 70
    })
    const { waits, end } = await run(given, retry, 9)
    const wait = (ms: number): number => (askedMs > ms ? askedMs + spreadMs : ms)
    expect(waits).toEqual([wait(70), wait(140)])
    expect(retry.mock.calls.map(([attempt]) => attempt)).toEqual([1, 2, 3])
    expect(seen).toEqual([expect.any(Error), expect.any(Error), expect.any(Error)])
    expect(end).toEqual(['error', expect.objectContaining({ message: Object(seen[2]).message })])
  })

  it("a function that throws, or doesn't return a time, ends the subscription", async () => {
    const bug = new Error('bug')
    const thrown = await run(
      given,
      () => {
        throw bug
      },
      2,
    )
    expect(thrown.requests).toBe(1)
    expect(thrown.end).toEqual(['error', expect.objectContaining({ cause: bug })])
    for (const wrong of [Number.NaN, -1, undefined, Promise.resolve(1)]) {
      const { requests, end } = await run(given, () => wrong as never, 2)
      expect(requests).toBe(1)
      expect(end).toEqual([
        'error',
        expect.objectContaining({ cause: expect.objectContaining({ code: 'INVALID_OPTION' }) }),
      ])
    }
  })
})

it.each(['single', 'multiplexed'] as const)(
  'in %s mode, a function that waits for minutes is called with the next attempt each time',
  async (mode) => {
    const retry = vi.fn((attempt: number) => attempt < 4 && 180_000)
    const { waits } = await run({ mode, place: 'call', failure: 'an error that passes' }, retry, 9)
    expect(waits).toEqual([180_000, 180_000, 180_000])
    expect(retry.mock.calls.map(([attempt]) => attempt)).toEqual([1, 2, 3, 4])
  },
)

describe('on a shared connection', () => {
  /** A server that serves streams until they are cut. */
  function cuttingServer(mode: Mode = 'multiplexed') {
    const streams: Array<{ cut(): void; reconnect(): void; keys: readonly string[] }> = []
    async function fetch(_url: string, init: RequestInit): Promise<Response> {
      const { connectionId, subscriptions } = JSON.parse(String(init.body))
      const keys = Object.keys(subscriptions)
      if (connectionId !== undefined) return new Response('')
      let to: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          to = controller
        },
      })
      const send = (text: string): void => to?.enqueue(new TextEncoder().encode(text))
      send(encode({ event: '$connected', data: '{"connectionId":"c"}' }))
      for (const key of keys) {
        send(encode({ event: '$started', data: JSON.stringify({ key }) }))
        send(encode({ event: key, data: '1', id: '1-0' }))
      }
      streams.push({
        keys,
        cut: () => to?.error(new TypeError('terminated')),
        reconnect: () => send(encode({ event: '$reconnect', data: '{}' })),
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    const clock = manualClock({ random: 1 })
    const device = fakeDevice()
    const client = (retry?: RetryOption) =>
      untypedClient(
        sseLink<AnyTRPCRouter>({
          url: 'http://server',
          mode,
          fetch,
          clock,
          device,
          ...(retry !== undefined && { retry }),
        }),
      )
    return { streams, clock, device, client }
  }

  it('one with retry: false ends when the stream is lost, and the others continue', async () => {
    const { streams, clock, client } = cuttingServer()
    const link = client()
    const once = follow(link, 'once', undefined, { context: { retry: false } })
    const other = follow(link, 'other')
    await settle()
    expect(streams[0]?.keys).toHaveLength(2)
    streams[0]?.cut()
    await settle()
    expect(once.news.at(-1)).toEqual(['error', expect.any(Error)])
    expect(other.news.at(-1)).toEqual(['connecting', expect.any(String)])
    clock.advance(250)
    await settle()
    expect(streams[1]?.keys).toHaveLength(1)
    expect(other.news.slice(-2)).toEqual([['pending'], expect.any(Array)])
  })

  it('one with its own retry continues if the link has none', async () => {
    const { streams, clock, client } = cuttingServer()
    const link = client(false)
    const own = follow(link, 'own', undefined, { context: { retry: { baseMs: 40 } } })
    const other = follow(link, 'other')
    await settle()
    streams[0]?.cut()
    await settle()
    expect(other.news.at(-1)).toEqual(['error', expect.any(Error)])
    expect(own.news.at(-1)).toEqual(['connecting', expect.any(String)])
    clock.advance(40)
    await settle()
    expect(streams).toHaveLength(2)
    expect(streams[1]?.keys).toHaveLength(1)
    expect(own.news.slice(-2)).toEqual([['pending'], expect.any(Array)])
  })

  it('one with its own, longer wait joins the stream later', async () => {
    const { streams, clock, client } = cuttingServer()
    const link = client()
    follow(link, 'slow', undefined, { context: { retry: () => 5_000 } })
    follow(link, 'other')
    await settle()
    streams[0]?.cut()
    await settle()
    clock.advance(250)
    await settle()
    expect(streams[1]?.keys).toHaveLength(1)
    clock.advance(4_750)
    await settle()
    expect(streams).toHaveLength(2)
  })

  it('equal subscriptions share only if they have the same retry', async () => {
    const { streams, client } = cuttingServer()
    const link = client()
    for (const retry of [undefined, undefined, false, false])
      follow(link, 'p', undefined, { context: { retry } })
    await settle()
    expect(streams[0]?.keys).toHaveLength(2)
  })

  it('a handover is no failure', async () => {
    const { streams, clock, client } = cuttingServer()
    const once = follow(client(false), 'once')
    await settle()
    streams[0]?.reconnect()
    await settle()
    clock.advance(100)
    await settle()
    expect(streams).toHaveLength(2)
    expect(once.news.filter(([what]) => what === 'error')).toEqual([])
  })

  it('is not opened while the device is offline, whatever a function returns', async () => {
    const { streams, clock, device, client } = cuttingServer()
    follow(
      client(() => 10),
      'p',
    )
    await settle()
    device.setOffline(true)
    streams[0]?.cut()
    await settle()
    clock.advance(10)
    await settle()
    expect(streams).toHaveLength(1)
    device.setOffline(false)
    clock.advance(0)
    await settle()
    expect(streams).toHaveLength(2)
  })

  it('one with its own retry waits while the device is offline, and no longer once it is back', async () => {
    const { streams, clock, device, client } = cuttingServer()
    const retry = vi.fn(() => 5_000)
    follow(client(), 'p', undefined, { context: { retry } })
    await settle()
    device.setOffline(true)
    streams[0]?.cut()
    await settle()
    clock.advance(5_000)
    await settle()
    expect(streams).toHaveLength(1)
    device.setOffline(false)
    clock.advance(0)
    await settle()
    expect(streams).toHaveLength(2)
    streams[1]?.cut()
    await settle()
    device.dispatch('online')
    clock.advance(0)
    await settle()
    expect(streams).toHaveLength(3)
    expect(retry).toHaveBeenCalledTimes(2)
  })

  it('one with its own retry waits while the page is left', async () => {
    const { streams, clock, device, client } = cuttingServer()
    follow(client(), 'p', undefined, { context: { retry: () => 10 } })
    await settle()
    streams[0]?.cut()
    await settle()
    device.dispatch('left')
    clock.advance(60_000)
    await settle()
    expect(streams).toHaveLength(1)
    device.dispatch('back')
    clock.advance(0)
    await settle()
    expect(streams).toHaveLength(2)
  })

  it('one that is unsubscribed while it waits leaves nothing behind', async () => {
    const { streams, clock, device, client } = cuttingServer()
    const own = follow(client(), 'p', undefined, { context: { retry: () => 3_600_000 } })
    await settle()
    streams[0]?.cut()
    await settle()
    own.unsubscribe()
    clock.advance(250)
    await settle()
    expect([clock.timers(), device.listeners()]).toEqual([[], 0])
  })

  it('equal subscriptions with equal policies are one on the wire', async () => {
    const { streams, client } = cuttingServer()
    const link = client()
    for (const maxMs of [500, 500, 900]) {
      follow(link, 'p', undefined, { context: { retry: { baseMs: 50, maxMs } } })
    }
    await settle()
    expect(streams[0]?.keys).toHaveLength(2)
  })

  it.each(['single', 'multiplexed'] as const)(
    'in %s mode, a function that unsubscribes leaves nothing behind',
    async (mode) => {
      for (const place of ['link', 'call'] as const) {
        const { streams, clock, device, client } = cuttingServer(mode)
        const retry = (): number => {
          own.unsubscribe()
          return 3_600_000
        }
        const context = { retry: place === 'call' ? retry : undefined }
        const own = follow(client(place === 'link' ? retry : undefined), 'p', undefined, {
          context,
        })
        await settle()
        streams[0]?.cut()
        await settle()
        clock.advance(250)
        await settle()
        expect([place, clock.timers(), device.listeners()]).toEqual([place, [], 0])
        expect(own.news.at(-1)).toEqual(['complete'])
      }
    },
  )

  it('a function may start another subscription', async () => {
    const { streams, clock, client } = cuttingServer()
    let other: Followed | undefined
    const link = client(() => {
      other ??= follow(link, 'other')
      return 10
    })
    follow(link, 'p')
    await settle()
    streams[0]?.cut()
    await settle()
    clock.advance(10)
    await settle()
    expect(other?.news.at(-1)).toEqual(['data', expect.anything()])
  })
})

it.each(['a status of 429 with Retry-After', 'a stream that asks to wait, and ends'] as const)(
  'after %s, a subscription that starts meanwhile also waits',
  async (failure) => {
    const clock = manualClock({ random: 0 })
    const { atMs, fetch } = failingServer(clock, 'multiplexed', failure)
    const link = untypedClient(sseLink<AnyTRPCRouter>({ url: 'http://server', fetch, clock }))
    const first = follow(link, 'first', undefined, { context: { retry: () => 60_000 } })
    await settle()
    first.unsubscribe()
    clock.advance(1_000)
    follow(link, 'second')
    await settle()
    clock.advance(5_999)
    await settle()
    expect(atMs).toHaveLength(1)
    clock.advance(1)
    await settle()
    expect(atMs).toHaveLength(2)
  },
)

it.each([true, null, 5, 'no', { baseMs: 0 }])('retry: %j is refused', async (retry) => {
  const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
  expect(() => sseLink<AnyTRPCRouter>({ url: '/trpc', retry: retry as never })).toThrow(invalid)
  const { news } = follow(untypedClient(sseLink({ url: '/trpc' })), 'p', undefined, {
    context: { retry },
  })
  expect(news.at(-1)).toEqual(['error', expect.objectContaining({ cause: invalid })])
})
