import { once } from 'node:events'
import http from 'node:http'
import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { type Backend, channel, createChannels, memoryBackend } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { MemoryUse } from './reads-of-logs-server.ts'
import { type ChildServer, startChildServer } from './support/child-server.ts'
import { openRaw, type RawStream } from './support/http.ts'
import { range } from './support/numbers.ts'
import { startRedis } from './support/redis.ts'
import { type RouterServer, serveRouter } from './support/router-server.ts'

const t = initTRPC.create()
const megabyte = 2 ** 20

/** Counts of a backend's reads. */
interface Reads {
  total: number
  underWay: number
  most: number
  bytes: number
}

/** Wraps a backend and counts its reads. */
function counted(inner: Backend): { readonly backend: Backend; readonly reads: Reads } {
  const reads = { total: 0, underWay: 0, most: 0, bytes: 0 }
  const backend: Backend = {
    ...inner,
    async read(log, readRange, options) {
      reads.total += 1
      reads.underWay += 1
      reads.most = Math.max(reads.most, reads.underWay)
      const page = await inner.read(log, readRange, options).finally(() => {
        reads.underWay -= 1
      })
      reads.bytes += page.events.reduce((bytes, { data }) => bytes + data.length, 0)
      return page
    },
  }
  return { backend, reads }
}

async function setup(inner: Backend) {
  const { backend, reads } = counted(inner)
  const channels = createChannels({
    backend,
    channels: {
      room: channel({ event: z.string(), params: z.string(), retain: { events: 5_000 } }),
    },
  })
  const room = channels.room('busy')
  const router = t.router({
    room: t.procedure
      .input(z.string())
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  })
  const server = await serveRouter(router)
  return {
    channels,
    room,
    reads,
    server,
    /** Publishes events of 10 kB. Returns their ids. */
    async fill(count: number): Promise<string[]> {
      const ids: string[] = []
      for (const from of range(0, count / 500 - 1)) {
        const events = range(from, from + 499).map((n) => `${n} ${'x'.repeat(10_000)}`)
        ids.push(...(await room.publishMany(events)).map(({ id }) => id))
      }
      return ids
    },
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Writes a request for one stream with a subscription after each of these ids. */
function requestFor(ids: readonly string[], input = 'busy') {
  const wanted = ids.map((lastEventId, i) => [`k${i}`, { path: 'room', input, lastEventId }])
  const body = JSON.stringify({
    version: 1,
    revision: 1,
    subscriptions: Object.fromEntries(wanted),
  })
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

/** Opens one stream with a subscription after each of these ids. */
function follow({ url }: RouterServer, ids: readonly string[], input = 'busy'): Promise<RawStream> {
  return openRaw(`${url}/~sse`, requestFor(ids, input))
}

/** Opens such a stream, reads `count` bytes of it as fast as they arrive, and leaves. */
function readBytes(port: number, ids: readonly string[], count: number): Promise<void> {
  const { body, ...options } = requestFor(ids)
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...options,
      port,
      host: '127.0.0.1',
      path: '/~sse',
      agent: false,
    })
    request.on('error', reject)
    request.on('response', (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes < count) return
        request.off('error', reject).on('error', () => {})
        request.destroy()
        resolve()
      })
    })
    request.end(body)
  })
}

async function memoryOf({ child }: ChildServer): Promise<MemoryUse> {
  child.send('memory')
  const [use] = await once(child, 'message')
  return use as MemoryUse
}

describe('1,000 subscriptions of one channel at 1,000 different ids', () => {
  it('read a few pages at a time, and no more than the client takes', async () => {
    await using server = await startRedis()
    await using app = await setup(redisBackend({ url: server.url }))
    const ids = await app.fill(2_000)
    const usedBefore = await peakMemory(server)
    const residentBefore = process.memoryUsage().rss
    using stream = await follow(
      app.server,
      ids.filter((_, i) => i % 2 === 0),
    )
    stream.pause()
    // The paused client doesn't delay events for another one.
    using other = await follow(app.server, [ids.at(-1) ?? ''])
    for (const n of range(1, 20)) await app.room.publish(`after ${n}`)
    const published = await other.nextMany(22)
    expect(published.filter(({ data }) => data.includes('after'))).toHaveLength(20)
    expect(app.reads.most).toBeLessThanOrEqual(5)
    // Less than a megabyte is buffered for the client, and each page that is read is sent.
    expect(app.reads.bytes).toBeLessThan(10 * megabyte)
    expect((await peakMemory(server)) - usedBefore).toBeLessThan(20 * megabyte)
    expect(process.memoryUsage().rss - residentBefore).toBeLessThan(100 * megabyte)
  })

  it('cost less than 100 MB when the client reads as fast as it can', async () => {
    await using redis = await startRedis()
    await using app = await setup(redisBackend({ url: redis.url }))
    const ids = (await app.fill(2_000)).filter((_, i) => i % 2 === 0)
    // Use a separate process with V8's defaults, so that the test's memory doesn't count.
    const module = new URL('./reads-of-logs-server.ts', import.meta.url)
    await using server = await startChildServer(module, { REDIS_URL: redis.url })
    await readBytes(server.port, ids.slice(-1), 1)
    const before = await memoryOf(server)
    await readBytes(server.port, ids, 400 * megabyte)
    const after = await memoryOf(server)
    expect(after.peakBytes - before.nowBytes).toBeLessThan(100 * megabyte)
  })

  it('share the pages that were read', async () => {
    await using app = await setup(memoryBackend())
    const ids = await app.fill(500)
    const { total } = app.reads
    // All of these ids are in the first page.
    const wanted = range(0, 999).map((i) => ids[400 + (i % 20)] ?? '')
    using stream = await follow(app.server, wanted)
    await stream.nextMany(2_000)
    expect(app.reads.total - total).toBeLessThan(50)
  })
})

async function peakMemory({ admin }: Awaited<ReturnType<typeof startRedis>>): Promise<number> {
  return Number(/used_memory_peak:(\d+)/.exec(await admin.info('memory'))?.[1])
}
