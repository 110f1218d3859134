import { EventEmitter, on } from 'node:events'
import type { ServerResponse } from 'node:http'
import { initTRPC } from '@trpc/server'
import { createDecoder, type DecodedMessage } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw } from '../../../../tests/support/http.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink } from '../index.ts'

const t = initTRPC.create()

/** Several megabytes, for which no other subscription may wait. */
const count = 5_000
const usualBytes = 1_000
const maxBufferedBytes = 65_536
/** A full buffer, including the event that filled it. */
const mostBuffered = maxBufferedBytes + 2 * usualBytes

type Wanted = Record<string, { path: string; input?: unknown; lastEventId?: string }>

async function setup(eventBytes = usualBytes) {
  const padding = 'x'.repeat(eventBytes)
  const channels = createChannels({
    channels: {
      log: channel({
        params: z.object({ log: z.string() }),
        event: z.object({ n: z.number(), padding: z.string() }),
        retain: { events: count + 1 },
      }),
    },
  })
  const emitter = new EventEmitter()
  const input = z.object({ log: z.string() })
  const router = t.router({
    log: t.procedure.input(input).subscription((opts) => channels.log(opts.input).subscribe(opts)),
    mapped: t.procedure.input(input).subscription((opts) =>
      channels
        .log(opts.input)
        .subscribe(opts)
        .map((event) => event),
    ),
    generated: t.procedure.subscription(async function* ({ signal }) {
      for await (const [event] of on(emitter, 'event', signal ? { signal } : {})) yield event
    }),
    endless: t.procedure.subscription(async function* ({ signal }) {
      for (let n = 1; !signal?.aborted; n++) yield { n, padding }
    }),
  })
  const link = createServerLink({ router, channels, maxBufferedBytes })
  const [first] = await channels.log({ log: 'big' }).publishMany([{ n: 0, padding }])
  const all = await channels
    .log({ log: 'big' })
    .publishMany(range(1, count).map((n) => ({ n, padding })))
  return {
    router,
    lastId: all.at(-1)?.id,
    small: { path: 'log', input: { log: 'small' } },
    behind: { path: 'log', input: { log: 'big' }, lastEventId: first?.id ?? '' },
    /** Sends an event to subscriptions of the other log and to the generators. */
    async emit(): Promise<void> {
      emitter.emit('event', { n: 1, padding: '' })
      await channels.log({ log: 'small' }).publish({ n: 1, padding: '' })
    },
    async post(body: object): Promise<Response> {
      const headers = { 'content-type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify({ version: 1, ...body }) }
      return await link.fetch(new Request('http://localhost/~sse', init))
    },
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

/** Reads a stream, but only when it is asked to. */
function slowReader({ body }: Response) {
  const reader = body?.getReader()
  const messages: DecodedMessage[] = []
  const decoder = createDecoder({ onMessage: (message) => messages.push(message) })

  async function read(): Promise<void> {
    // Let the server use the room that the last read made, before the next read.
    await new Promise((resolve) => setImmediate(resolve))
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) throw new Error('The stream has ended.')
    decoder.push(value)
  }

  return {
    /** The messages that were read so far. */
    messages,
    /** Reads until a message matches, and returns its index. */
    async find(is: (message: DecodedMessage) => boolean, from = 0): Promise<number> {
      for (let index = from; ; index++) {
        for (let message = messages[index]; ; message = messages[index]) {
          if (message && is(message)) return index
          if (message) break
          await read()
        }
      }
    },
    /** The total length of some of the messages. */
    bytes: (from: number, until: number) =>
      messages.slice(from, until).reduce((sum, { data }) => sum + data.length, 0),
    leave: () => reader?.cancel(),
  }
}

const isOf =
  (key: string, n?: number) =>
  ({ event, data }: DecodedMessage): boolean =>
    event === key && (n === undefined || JSON.parse(data).n === n)
const isStart =
  (key: string) =>
  ({ event, data }: DecodedMessage): boolean =>
    event === '$started' && JSON.parse(data).key === key

describe('P29: subscriptions that are far behind on a connection with a slow reader', () => {
  const paths = ['log', 'mapped', 'generated']
  it.each(paths.flatMap((path) => [1, 4].map((others) => ({ path, others }))))(
    'delay an event of another subscription by one buffer each: $others, $path',
    async ({ path, others }) => {
      await using s = await setup()
      const subscriptions: Wanted = { live: { path, input: { log: 'small' } } }
      for (const n of range(1, others)) subscriptions[`behind${n}`] = s.behind
      const stream = slowReader(await s.post({ revision: 1, subscriptions }))
      await stream.find(isStart('live'))
      await stream.find(isOf('behind1', 10))
      const from = stream.messages.length
      await s.emit()
      const at = await stream.find(isOf('live'), from)
      // The data that is already buffered, and one turn of each subscription.
      expect(stream.bytes(from, at)).toBeLessThan((1 + others) * mostBuffered)
      // In the end, each subscription has all events.
      for (const n of range(1, others)) {
        await stream.find(isOf(`behind${n}`, count))
        const numbers = stream.messages
          .filter(isOf(`behind${n}`))
          .map(({ data }) => JSON.parse(data).n)
        expect(numbers).toEqual(range(1, count))
      }
      await stream.leave()
    },
  )

  it('delay each value of an endless generator by two buffers', async () => {
    await using s = await setup()
    const subscriptions: Wanted = { behind: s.behind, endless: { path: 'endless' }, live: s.small }
    const stream = slowReader(await s.post({ revision: 1, subscriptions }))
    await stream.find(isStart('live'))
    let from = stream.messages.length
    await s.emit()
    expect(stream.bytes(from, await stream.find(isOf('live'), from))).toBeLessThan(3 * mostBuffered)
    for (const _ of range(1, 20)) {
      const at = await stream.find(isOf('endless'), from)
      expect(stream.bytes(from, at)).toBeLessThan(3 * mostBuffered)
      from = at + 1
    }
    await stream.find(isOf('behind', count))
    await stream.leave()
  })

  it('delay the start of another subscription by two buffers', async () => {
    await using s = await setup()
    const stream = slowReader(await s.post({ revision: 1, subscriptions: { behind: s.behind } }))
    const { data = '' } = stream.messages[await stream.find(isOf('$connected'))] ?? {}
    await stream.find(isOf('behind', 10))
    const { connectionId } = JSON.parse(data)
    const subscriptions = { behind: s.behind, live: s.small }
    expect((await s.post({ connectionId, revision: 2, subscriptions })).status).toBe(200)
    const from = stream.messages.length
    expect(stream.bytes(from, await stream.find(isStart('live'), from))).toBeLessThan(
      3 * mostBuffered,
    )
    await stream.leave()
  })

  it.each(paths)('delay an event on a Node socket by one buffer: %s', async (path) => {
    // More than the kernel and the sockets of both ends can buffer.
    const eventBytes = 8_000
    await using s = await setup(eventBytes)
    const responses: ServerResponse[] = []
    await using server = await serveRouter(s.router, {
      maxBufferedBytes,
      createContext: ({ res }: { res: ServerResponse }) => ({ n: responses.push(res) }),
    })
    const subscriptions: Wanted = { live: { path, input: { log: 'small' } }, behind: s.behind }
    using stream = await openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
    })
    while (!isStart('live')(await stream.next()));
    stream.pause()
    await expect.poll(() => responses[0]?.writableLength).toBeGreaterThan(0)
    await s.emit()
    const written = responses[0]?.socket?.bytesWritten ?? 0
    stream.resume()
    while (!isOf('live')(await stream.next()));
    const at = stream.messages.findIndex(isOf('live'))
    const before = stream.messages.slice(0, at).reduce((sum, { data }) => sum + data.length, 0)
    expect(before - written).toBeLessThan(maxBufferedBytes + 2 * eventBytes)
    expect(before).toBeLessThan((count * eventBytes) / 2)
  })
})
