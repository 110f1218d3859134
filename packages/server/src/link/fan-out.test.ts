import { EventEmitter, on, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { initTRPC } from '@trpc/server'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink } from '../index.ts'

const t = initTRPC.create()

function setup() {
  const channels = createChannels({
    channels: { log: channel({ params: z.object({ log: z.string() }), event: z.number() }) },
  })
  const input = z.object({ log: z.string() })
  const emitter = new EventEmitter()
  const router = t.router({
    log: t.procedure.input(input).subscription((opts) => channels.log(opts.input).subscribe(opts)),
    positive: t.procedure.input(input).subscription((opts) =>
      channels
        .log(opts.input)
        .subscribe(opts)
        .filter((n) => n > 0),
    ),
    mapped: t.procedure.input(input).subscription((opts) =>
      channels
        .log(opts.input)
        .subscribe(opts)
        .map((n) => n),
    ),
    generated: t.procedure.input(input).subscription(async function* ({ signal }) {
      const numbers = on(emitter, 'number', signal ? { signal } : {})
      yield 0
      for await (const [n] of numbers) yield n
    }),
  })
  const log = channels.log({ log: 'a' })
  return {
    channels,
    router,
    log,
    /** Sends a number to subscriptions of the channel and to the generators. */
    async emit(n: number): Promise<void> {
      emitter.emit('number', n)
      await log.publish(n)
    },
  }
}

const singlePath = (path: string): string => `/${path}?input=${encodeURIComponent('{"log":"a"}')}`

/** The request for a stream of many subscriptions, which are the same for all clients. */
function streamRequest(logs: readonly string[]) {
  const subscriptions = Object.fromEntries(
    logs.map((log) => [`key-${log}`, { path: 'log', input: { log } }]),
  )
  const headers = { 'content-type': 'application/json' }
  return {
    method: 'POST',
    headers,
    body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
  }
}

/**
 * Writes an HTTP request, and collects the chunks of the response: each is one write of the server.
 */
async function readChunks(
  url: string,
  request: string,
): Promise<{ chunks: () => string[]; socket: Socket }> {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (data) => {
    text += data
  })
  socket.write(request)
  await once(socket, 'data')
  const chunks = (): string[] => {
    const all: string[] = []
    let rest = text.slice(text.indexOf('\r\n\r\n') + 4)
    for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
      const start = rest.indexOf('\r\n') + 2
      all.push(rest.slice(start, start + size))
      rest = rest.slice(start + size + 2)
    }
    return all
  }
  return { chunks, socket }
}

describe('the events of one tick', () => {
  it.each(['log', 'positive', 'mapped'])(
    'are sent in one write for each client: %s',
    async (path) => {
      const s = setup()
      await using server = await serveRouter(s.router)
      const { chunks, socket } = await readChunks(
        server.url,
        `GET ${singlePath(path)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      )
      await expect.poll(() => chunks().join('')).toContain('restore-id')
      await s.log.publishMany(range(1, 8))
      await expect.poll(() => chunks().join('')).toContain('data: 8\n')
      const withEvents = chunks().filter((chunk) => /^data: \d/m.test(chunk))
      expect(withEvents.map((chunk) => chunk.match(/^data: \d$/gm)?.length)).toEqual([8])
      socket.destroy()
      await s.channels.close()
    },
  )

  it('are sent in one write for all subscriptions of a connection', async () => {
    const s = setup()
    const logs = range(1, 10).map(String)
    await using server = await serveRouter(s.router)
    const { body } = streamRequest(logs)
    const head = `POST /~sse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const { chunks, socket } = await readChunks(server.url, head + body)
    await expect
      .poll(
        () =>
          chunks()
            .join('')
            .match(/\$started/g)?.length,
      )
      .toBe(10)
    await Promise.all(logs.map((log) => s.channels.log({ log }).publish(7)))
    await expect
      .poll(
        () =>
          chunks()
            .join('')
            .match(/data: 7\n/g)?.length,
      )
      .toBe(10)
    expect(chunks().filter((chunk) => chunk.includes('data: 7\n')).length).toBe(1)
    socket.destroy()
    await s.channels.close()
  })

  it('are one chunk of a web-standard response', async () => {
    const s = setup()
    const link = createServerLink({ router: s.router, channels: s.channels })
    const { body } = await link.fetch(new Request(`http://localhost${singlePath('log')}`))
    const reader = body?.getReader()
    const texts: string[] = []
    const read = async (): Promise<void> => {
      const { value } = (await reader?.read()) ?? {}
      texts.push(new TextDecoder().decode(value))
    }
    while (!texts.join('').includes('restore-id')) await read()
    await s.log.publishMany(range(1, 8))
    await read()
    expect(texts.at(-1)?.match(/^data: \d$/gm)).toEqual(range(1, 8).map((n) => `data: ${n}`))
    await reader?.cancel()
    await s.channels.close()
  })
})

/** Counts the web streams that are created until mocks and globals are restored. */
function countWebStreams(): { made: number } {
  const count = { made: 0 }
  for (const name of [
    'ReadableStream',
    'TransformStream',
    'WritableStream',
    'TextEncoderStream',
  ] as const) {
    const counted = new Proxy(globalThis[name], {
      construct(target, args, newTarget) {
        count.made += 1
        return Reflect.construct(target, args, newTarget)
      },
    })
    vi.stubGlobal(name, counted)
  }
  return count
}

describe('each event', () => {
  const paths = ['log', 'positive', 'mapped', 'generated']

  it.each(paths)('is one write to a Node socket, without web streams: %s', async (path) => {
    const s = setup()
    await using server = await serveRouter(s.router)
    const webStreams = countWebStreams()
    const connected = once(server.server, 'connection')
    using stream = await openRaw(server.url + singlePath(path))
    const [socket]: Socket[] = await connected
    await stream.nextMany(2)
    const write = vi.spyOn(socket as Socket, 'write')
    for (const n of range(1, 8)) {
      await s.emit(n)
      expect((await stream.next()).data).toBe(String(n))
      expect(write).toHaveBeenCalledTimes(n)
    }
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    expect(webStreams.made).toBe(0)
    await s.channels.close()
  })

  it.each(paths)(
    'is one chunk of a web-standard response, whose body is the only web stream: %s',
    async (path) => {
      const s = setup()
      const link = createServerLink({ router: s.router, channels: s.channels })
      const request = new Request(`http://localhost${singlePath(path)}`)
      const webStreams = countWebStreams()
      const { body } = await link.fetch(request)
      vi.unstubAllGlobals()
      expect(webStreams.made).toBe(1)
      const reader = body?.getReader()
      const read = async (): Promise<string> =>
        new TextDecoder().decode((await reader?.read())?.value)
      for (let text = await read(); !/restore-id|data: 0/.test(text); text = await read());
      for (const n of range(1, 8)) {
        await s.emit(n)
        expect((await read()).match(/^data: .*$/gm)).toEqual([`data: ${n}`])
      }
      await reader?.cancel()
      await s.channels.close()
    },
  )
})

describe('an event for many', () => {
  const readers = 100

  it.each([
    ['in single mode', (url: string) => openRaw(url + singlePath('log')), 2],
    ['in single mode, filtered', (url: string) => openRaw(url + singlePath('positive')), 2],
    ['in multiplexed mode', (url: string) => openRaw(`${url}/~sse`, streamRequest(['a'])), 2],
  ])('is written as JSON once and encoded once %s', async (_, open, first) => {
    const s = setup()
    await using server = await serveRouter(s.router)
    const streams: RawStream[] = await Promise.all(
      Array.from({ length: readers }, () => open(server.url)),
    )
    await Promise.all(streams.map((stream) => stream.nextMany(first)))
    const encode = vi.spyOn(TextEncoder.prototype, 'encode')
    const stringify = vi.spyOn(JSON, 'stringify')
    const parse = vi.spyOn(JSON, 'parse')
    await s.log.publish(7)
    const got = await Promise.all(streams.map((stream) => stream.next()))
    const calls = [encode.mock.calls.length, stringify.mock.calls.length, parse.mock.calls.length]
    vi.restoreAllMocks()
    expect(got.map(({ data }) => data)).toEqual(Array.from(streams, () => '7'))
    expect(calls[0]).toBe(1)
    expect(calls[1]).toBeLessThanOrEqual(2)
    expect(calls[2]).toBeLessThanOrEqual(2)
    for (const stream of streams) stream.leave()
    await s.channels.close()
  })

  it('is joined with the others of its tick only once', async () => {
    const s = setup()
    await using server = await serveRouter(s.router)
    const streams = await Promise.all(
      Array.from({ length: readers }, () => openRaw(server.url + singlePath('log'))),
    )
    await Promise.all(streams.map((stream) => stream.nextMany(2)))
    const concat = vi.spyOn(Buffer, 'concat')
    await s.log.publishMany(range(1, 8))
    const got = await Promise.all(streams.map((stream) => stream.nextMany(8)))
    // The eight events, and the two lines around an HTTP/1.1 chunk.
    const joined = concat.mock.calls.filter(([parts]) => parts.length === 10)
    vi.restoreAllMocks()
    for (const messages of got)
      expect(messages.map(({ data }) => Number(data))).toEqual(range(1, 8))
    expect(joined).toHaveLength(1)
    for (const stream of streams) stream.leave()
    await s.channels.close()
  })
})
