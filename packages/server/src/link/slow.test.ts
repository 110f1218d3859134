import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import {
  type BehindPolicy,
  type Clock,
  channel,
  createChannels,
  createServerLink,
} from '../index.ts'

const t = initTRPC.create()
const kilobyte = 1_024

/** More than the kernel and the sockets of both ends buffer for a reader that has stopped. */
const count = 2_000
const eventBytes = 16 * kilobyte
const maxBufferedBytes = 128 * kilobyte
/** The buffer's limit, plus one event that exceeded it, and chunk headers. */
const mostBuffered = maxBufferedBytes + 2 * eventBytes

async function setup(
  options: {
    window?: number
    retain?: number
    maxBufferedBytes?: number
    whenBehind?: BehindPolicy
    clock?: Clock
  } = {},
) {
  const responses: ServerResponse[] = []
  const channels = createChannels({
    window: { events: options.window ?? 1_024, characters: Number.MAX_SAFE_INTEGER },
    channels: {
      log: channel({
        event: z.object({ n: z.number(), padding: z.string() }),
        retain: { events: options.retain ?? 10_000 },
        whenBehind: options.whenBehind ?? 'catchUp',
        behindEvents: 100,
        ...(options.whenBehind === 'fold' && { fold: (_, later) => later }),
      }),
    },
  })
  const router = t.router({
    log: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
    iterated: t.procedure.subscription(async function* (opts) {
      yield* channels.log().subscribe(opts)
    }),
  })
  const server = await serveRouter(router, {
    maxBufferedBytes: options.maxBufferedBytes ?? maxBufferedBytes,
    ...(options.clock && { clock: options.clock }),
    createContext({ res }: { res: ServerResponse }) {
      responses.push(res)
      return {}
    },
  })
  const padding = 'x'.repeat(eventBytes)
  return {
    server,
    router,
    responses,
    log: channels.log(),
    /** Publishes the numbers from 1 on. Returns the most bytes that waited for any client. */
    async publish(): Promise<number> {
      let most = 0
      for (let n = 1; n <= count; n++) {
        await channels.log().publish({ n, padding })
        most = Math.max(most, ...responses.map((response) => response.writableLength))
      }
      return most
    },
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Reads events up to the last one. Returns their numbers, with 0 for each gap. */
async function readNumbers(stream: RawStream): Promise<number[]> {
  const numbers: number[] = []
  while (numbers.at(-1) !== count) {
    const { event, data } = await stream.next()
    if (event === 'message') numbers.push(JSON.parse(data).n)
    if (event === 'gap') numbers.push(0)
  }
  return numbers
}

const all = Array.from({ length: count }, (_, index) => index + 1)

describe('P29: a client that does not read', () => {
  it.each([
    ['', 'log', {}],
    [' by a generator', 'iterated', {}],
    [', far behind the window,', 'log', { window: 16 }],
    [' by a generator, far behind the window,', 'iterated', { window: 16 }],
  ] as const)(
    'gets each event%s once and in order when it reads again',
    async (_, path, options) => {
      await using test = await setup(options)
      using stalled = await openRaw(`${test.server.url}/${path}`)
      await stalled.next()
      stalled.pause()
      using healthy = await openRaw(`${test.server.url}/log`)
      await healthy.next()
      const healthyNumbers = readNumbers(healthy)
      expect(await test.publish()).toBeLessThan(mostBuffered)
      expect(await healthyNumbers).toEqual(all)
      expect(stalled.messages.length).toBeLessThan(count)
      stalled.resume()
      expect(await readNumbers(stalled)).toEqual(all)
    },
  )

  it('P22: gets exactly one gap if the log was trimmed in the meantime', async () => {
    await using test = await setup({ window: 16, retain: 100 })
    using stalled = await openRaw(`${test.server.url}/log`)
    await stalled.next()
    stalled.pause()
    expect(await test.publish()).toBeLessThan(mostBuffered)
    stalled.resume()
    const numbers = await readNumbers(stalled)
    const gap = numbers.indexOf(0)
    expect(numbers.slice(gap + 1)).toEqual(all.slice(-100))
    expect(numbers.slice(0, gap)).toEqual(all.slice(0, gap))
    expect(gap).toBeGreaterThan(0)
    expect(test.server.link.stats().gaps).toBe(1)
  })

  it('P22: goes on at the newest event after one gap, where its channel says so', async () => {
    await using test = await setup({ whenBehind: 'latest' })
    using stalled = await openRaw(`${test.server.url}/log`)
    await stalled.next()
    stalled.pause()
    await test.publish()
    stalled.resume()
    const numbers = await readNumbers(stalled)
    const gap = numbers.indexOf(0)
    expect(numbers).toEqual([...all.slice(0, gap), 0, count])
    expect(gap).toBeGreaterThan(0)
    expect(stalled.messages.find(({ event }) => event === 'gap')?.data).toContain(
      '"reason":"skipped"',
    )
    expect(test.server.link.stats()).toMatchObject({ gaps: 1, cutOff: 0 })
  })

  it('gets one event in place of many where its channel has a fold, and no gap', async () => {
    await using test = await setup({ whenBehind: 'fold' })
    using stalled = await openRaw(`${test.server.url}/log`)
    await stalled.next()
    stalled.pause()
    await test.publish()
    stalled.resume()
    const numbers = await readNumbers(stalled)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers).not.toContain(0)
    // First what its sockets had buffered, then folded events, then the last 100 as they are.
    const buffered = numbers.findIndex((n, i) => n !== i + 1)
    expect(buffered).toBeGreaterThan(0)
    expect(numbers.length - buffered).toBeLessThan((count - buffered) / 5)
  })

  it('is cut off where its channel says so, and gets the rest when it comes back', async () => {
    await using test = await setup({ whenBehind: 'disconnect' })
    using stalled = await openRaw(`${test.server.url}/log`)
    await stalled.next()
    stalled.pause()
    using healthy = await openRaw(`${test.server.url}/log`)
    const healthyNumbers: number[] = []
    for (let n = 1; n <= count; n++) {
      await test.log.publish({ n, padding: 'x'.repeat(eventBytes) })
      // The healthy client keeps up, within the lag that the channel allows.
      while (n % 50 === 0 && healthyNumbers.at(-1) !== n) {
        const { event, data } = await healthy.next()
        if (event === 'message') healthyNumbers.push(JSON.parse(data).n)
      }
    }
    expect(healthyNumbers).toEqual(all)
    expect(test.server.link.stats()).toMatchObject({ connections: 1, cutOff: 1 })
    stalled.resume()
    expect((await stalled.over).by).toBe('cut')
    const seen = stalled.messages.filter(({ event }) => event === 'message').length
    const lastEventId = stalled.messages.findLast(({ id }) => id)?.id ?? ''
    using resumed = await openRaw(`${test.server.url}/log`, {
      headers: { 'last-event-id': lastEventId },
    })
    expect(await readNumbers(resumed)).toEqual(all.slice(seen))
  })

  it('P25: does not delay a drain: its stream is cut, and it gets the rest when it resumes', async () => {
    const clock = manualClock()
    await using test = await setup({ clock })
    using stalled = await openRaw(`${test.server.url}/log`)
    await stalled.next()
    stalled.pause()
    await test.publish()
    const closed = once(test.responses[0] as ServerResponse, 'close')
    const drained = test.server.link.drain()
    clock.advance(10_000)
    await drained
    await closed
    expect(test.server.link.stats().connections).toBe(0)
    stalled.resume()
    expect((await stalled.over).by).toBe('cut')
    const lastEventId = stalled.messages.findLast(({ id }) => id)?.id ?? ''
    const seen = stalled.messages.filter(({ event }) => event === 'message').length
    await using next = await serveRouter(test.router)
    using resumed = await openRaw(`${next.url}/log`, { headers: { 'last-event-id': lastEventId } })
    expect(await readNumbers(resumed)).toEqual(all.slice(seen))
  })

  it('gets all events even if the limit is below the buffer of a socket', async () => {
    await using test = await setup({ maxBufferedBytes: 1_000 })
    await test.publish()
    using resuming = await openRaw(`${test.server.url}/log`, {
      headers: { 'last-event-id': '0-0' },
    })
    expect((await readNumbers(resuming)).filter((n) => n > 0)).toEqual(all)
  })

  it('does not stop a generator forever', async () => {
    const router = t.router({
      s: t.procedure.subscription(async function* () {
        for (const n of all) yield tracked(String(n), { n, padding: 'x'.repeat(eventBytes) })
      }),
    })
    await using server = await serveRouter(router, { maxBufferedBytes: 1_000 })
    using stream = await openRaw(`${server.url}/s`)
    stream.pause()
    stream.resume()
    expect(await readNumbers(stream)).toEqual(all)
  })
})

describe('P29: a reader of link.fetch that does not read', () => {
  it.each([128 * kilobyte, 64 * kilobyte])(
    'pauses events at %i bytes, and gets them all',
    async (max) => {
      let yielded = 0
      const router = t.router({
        s: t.procedure.subscription(async function* () {
          for (const n of all) {
            yielded += 1
            yield { n, padding: 'x'.repeat(kilobyte) }
          }
        }),
      })
      const link = createServerLink({ router, createContext: () => ({}), maxBufferedBytes: max })
      const { body } = await link.fetch(new Request('http://localhost/s'))
      // The generator runs until it is paused. It needs no turn of the event loop for that.
      await new Promise((resolve) => setImmediate(resolve))
      expect(yielded * kilobyte).toBeLessThan(max + 4 * kilobyte)
      let text = ''
      for await (const chunk of body ?? []) text += new TextDecoder().decode(chunk)
      expect([...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))).toEqual(all)
    },
  )
})
