import { once } from 'node:events'
import http from 'node:http'
import { createDecoder } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { heapInUse } from '../support/heap.ts'
import { ask, openRaw, type RawStream } from '../support/http.ts'
import { range } from '../support/numbers.ts'
import { createApp, names, serveHttp1 } from './app.ts'

type Wanted = Record<string, { path: string; input?: unknown; lastEventId?: string }>

/** Opens a stream of multiplexed mode without the client link. */
const open = (url: string, subscriptions: Wanted): Promise<RawStream> =>
  openRaw(`${url}/trpc/~sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
  })

/**
 * Opens a stream of multiplexed mode, and discards its content once all subscriptions have started.
 */
async function openDiscarding(url: string, subscriptions: Wanted) {
  const request = http.request(`${url}/trpc/~sse`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  request.end(JSON.stringify({ version: 1, revision: 1, subscriptions }))
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  await new Promise<void>((resolve) => {
    let starting = Object.keys(subscriptions).length
    const decoder = createDecoder({
      onMessage({ event }) {
        if (event === '$started') starting -= 1
        if (starting === 0) resolve(void response.off('data', decoder.push))
      },
    })
    response.on('data', decoder.push)
  })
  return {
    /** Waits until `count` bytes have arrived. */
    async received(count: number): Promise<void> {
      while (bytes < count) await once(response, 'data')
    },
    [Symbol.dispose]: () => void request.destroy(),
  }
}

async function bytesInUse(): Promise<number> {
  return (await heapInUse()) + process.memoryUsage().external
}

const onNumber = (name: string) => ({ path: 'onNumber', input: { name } })

describe('what an event costs on the wire', () => {
  // Keys with 13 characters, like those of our client.
  const keyOf = (index: number): string => `k${String(index).padStart(12, '0')}`
  const bytesPerEvent = new Map<number, number>()

  it.each([1, 100])(
    'is at most its data, id and key and 25 bytes, with %i subscriptions',
    async (count) => {
      await using app = createApp()
      await using server = await serveHttp1(app)
      const wanted = names.slice(0, count).map((name, i) => [keyOf(i), onNumber(name)] as const)
      using stream = await open(server.url, Object.fromEntries(wanted))
      await stream.nextMany(1 + count)
      const before = app.link.stats()
      for (const n of range(100, 199)) await app.publish(n, 'some text')
      await stream.nextMany(100 * count)
      const { eventsSent, bytesSent } = app.link.stats()
      expect(eventsSent - before.eventsSent).toBe(100 * count)
      const bytes = (bytesSent - before.bytesSent) / (100 * count)
      const { data, id = '', event } = stream.messages.at(-1) ?? { data: '', event: '' }
      const sizes = `${data.length} of data, ${id.length} of id, ${event.length} of key`
      console.log(`${count} subscriptions: ${bytes.toFixed(1)} bytes an event (${sizes})`)
      expect(bytes).toBeLessThan(data.length + id.length + event.length + 25)
      bytesPerEvent.set(count, bytes)
    },
  )

  it('is the same for 1 as for 100', () => {
    expect(bytesPerEvent.get(100)).toBeCloseTo(bytesPerEvent.get(1) ?? 0, 0)
  })
})

describe('a client that opens streams and never reads', () => {
  /** Measures the cost of 50 MB of events, with unread streams open beside one that is read. */
  async function measure(
    unread: number,
  ): Promise<{ readonly bytes: number; readonly sentToEach: number }> {
    await using app = createApp({ retain: { events: 5 } })
    await using server = await serveHttp1(app)
    const all = Object.fromEntries(names.map((name) => [name, onNumber(name)]))
    using healthy = await openDiscarding(server.url, all)
    const streams = await Promise.all(
      Array.from({ length: unread }, async () => {
        const stream = await open(server.url, all)
        await stream.nextMany(1 + names.length)
        stream.pause()
        return stream
      }),
    )
    const before = await bytesInUse()
    for (const n of range(1, 50)) {
      await app.publish(n, 'x'.repeat(10_000))
      await healthy.received(n * names.length * 10_000)
    }
    const bytes = (await bytesInUse()) - before
    const sentToEach = (app.link.stats().bytesSent - 50_000_000) / Math.max(1, unread)
    for (const stream of streams) stream.leave()
    await expect.poll(() => app.link.stats().connections).toBe(1)
    return { bytes, sentToEach }
  }

  it('costs bounded memory, and delays nobody', async () => {
    const without = await measure(0)
    const { bytes, sentToEach } = await measure(50)
    const extra = bytes - without.bytes
    console.log(
      `50 unread streams cost ${(extra / 1e6).toFixed(1)} MB; each was sent ${(sentToEach / 1e6).toFixed(1)} MB`,
    )
    // Each stream may buffer an eighth of a megabyte, and the clients' ends of the sockets are in
    // this process, too.
    expect(extra).toBeLessThan(50 * 600_000)
    // Out of 50 MB. These bytes are in the kernel's buffers.
    expect(sentToEach).toBeLessThan(10_000_000)
  })

  it('costs no more if it keeps requesting new subscriptions', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    const floods = (from: number) =>
      Object.fromEntries(
        range(from, from + 99).map((n) => [`key-${n}`, { path: 'flood', input: n }]),
      )
    using stream = await open(server.url, floods(0))
    const { connectionId } = JSON.parse((await stream.next()).data)
    stream.pause()
    const change = (revision: number) =>
      ask(`${server.url}/trpc/~sse`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          version: 1,
          revision,
          connectionId,
          subscriptions: floods(revision * 100),
        }),
      })
    // The stream is now full, both here and in the kernel.
    let revision = 1
    const untilFull = async (): Promise<void> => {
      const before = app.link.stats().bytesSent
      expect((await change(++revision)).status).toBe(200)
      expect(revision).toBeLessThan(20)
      if (app.link.stats().bytesSent - before > 500) await untilFull()
    }
    await untilFull()
    const before = app.link.stats().bytesSent
    for (let i = 0; i < 20; i++) expect((await change(++revision)).status).toBe(200)
    // These bytes include the answers to control requests.
    expect(app.link.stats().bytesSent - before).toBeLessThan(20 * 100)
    expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
    stream.resume()
    const last = `key-${revision * 100 + 99}`
    while ((await stream.next()).event !== last);
  })

  it('with 1,000 keys for the same log does not have every event kept 1,000 times', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    const keys = range(1, 1_000).map((n) => [`key-${n}`, onNumber('log-0')] as const)
    using stream = await open(server.url, Object.fromEntries(keys))
    await stream.nextMany(1 + keys.length)
    const log = app.channels.numbers({ name: 'log-0' })
    await heapInUse()
    const before = process.memoryUsage()
    for (const n of range(1, 300)) {
      await log.publish({ n, text: 'x'.repeat(1_000) })
      await expect.poll(() => app.link.stats().eventsSent, { interval: 1 }).toBe(n * 1_000)
    }
    await heapInUse()
    const after = process.memoryUsage()
    const kept = after.arrayBuffers - before.arrayBuffers
    console.log(`${(kept / 1e6).toFixed(1)} MB of buffers for 0.3 MB of events`)
    expect(kept).toBeLessThan(50_000_000)
  })
})
