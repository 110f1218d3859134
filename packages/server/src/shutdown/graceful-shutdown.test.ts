import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createConnection } from 'node:net'
import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { ask, listen, openRaw } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { settled } from '../../../../tests/support/runs.ts'
import { createHTTPHandler } from '../adapters/standalone.ts'
import { type GracefulShutdownOptions, gracefulShutdown } from './index.ts'

const t = initTRPC.create()

/** Starts a server with a stream and a query, which ends when `release` is called. */
async function setup(given: Partial<GracefulShutdownOptions> = {}) {
  const clock = manualClock()
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const router = t.router({
    stays: t.procedure.subscription(async function* ({ signal }) {
      yield 'in'
      if (signal) await once(new EventTarget(), 'never', { signal }).catch(() => {})
    }),
    slow: t.procedure.query(() => released),
    quick: t.procedure.query(() => 'answer'),
  })
  const handler = createHTTPHandler({ router, clock })
  const http = createServer(handler)
  const done: string[] = []
  const errors: unknown[] = []
  let exited = (_: number): void => {}
  const exit = new Promise<number>((resolve) => {
    exited = resolve
  })
  const shutdown = gracefulShutdown({
    server: http,
    link: handler.link,
    channels: { close: async () => void done.push('channels') },
    onShutdown: async () => void done.push('app'),
    onError: (error) => errors.push(error),
    signals: [],
    exit: (code) => exited(code),
    clock,
    ...given,
  })
  const server = await listen(http)
  /** Lets time pass until the process exits. Resolves to its code. */
  async function exits(): Promise<number> {
    let code: number | undefined
    void exit.then((given) => {
      code = given
    })
    for (let i = 0; code === undefined && i < 2_000; i++) {
      clock.advance(50)
      await settled()
    }
    return code ?? -1
  }
  return { server, url: server.url, clock, shutdown, exits, release, done, errors }
}

const probe = async (url: string, path: string): Promise<number> => (await ask(url + path)).status

describe('a graceful shutdown', () => {
  it('reports that it isn’t ready, serves until the balancer knows, moves clients, and exits', async () => {
    const { url, clock, shutdown, exits, done } = await setup({ unreadyMs: 3_000 })
    expect([await probe(url, '/livez'), await probe(url, '/readyz')]).toEqual([200, 200])
    using stream = await openRaw(`${url}/stays`)
    await stream.nextMany(2)
    void shutdown.start()
    expect([await probe(url, '/livez'), await probe(url, '/readyz?x=1')]).toEqual([200, 503])
    clock.advance(2_900)
    await settled()
    expect((await ask(`${url}/quick`)).text).toContain('answer')
    using late = await openRaw(`${url}/stays`)
    await late.nextMany(2)
    expect(stream.messages.map(({ event }) => event)).not.toContain('reconnect')
    expect(await exits()).toBe(0)
    for (const { messages, over } of [stream, late]) {
      expect((await over).by).toBe('end')
      expect(messages.map(({ event }) => event)).toContain('reconnect')
    }
    expect(done).toEqual(['channels', 'app'])
    await expect(ask(`${url}/quick`)).rejects.toThrow('ECONNREFUSED')
  })

  it('waits for requests that are under way', async () => {
    const { url, shutdown, exits, release, done } = await setup()
    const asking = ask(`${url}/slow`)
    await settled()
    void shutdown.start()
    release()
    expect(await exits()).toBe(0)
    expect((await asking).status).toBe(200)
    expect(done).toEqual(['channels', 'app'])
  })

  it('closes connections that are never idle, after the answer to one more request', async () => {
    const { url, server, clock, shutdown, exits, release } = await setup({ unreadyMs: 0 })
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (data: Buffer) => {
      text += data.toString()
    })
    const send = (path: string) => socket.write(`GET /${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    const asked = once(server.server, 'request')
    send('slow')
    await asked
    void shutdown.start()
    clock.advance(0)
    await settled()
    const askedAgain = once(server.server, 'request')
    send('quick')
    await askedAgain
    const closed = once(socket, 'close')
    release()
    expect(await exits()).toBe(0)
    await closed
    expect(text.match(/connection: .*/gi)).toEqual(['Connection: keep-alive', 'connection: close'])
  })

  it('is cut after timeoutMs, and the exit code says so', async () => {
    const { url, server, shutdown, exits, errors } = await setup({
      drainOverMs: 6_000,
      timeoutMs: 12_000,
    })
    const asking = ask(`${url}/slow`).catch(() => 'cut')
    await expect.poll(() => server.connections()).toBe(1)
    void shutdown.start()
    expect(await exits()).toBe(1)
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('longer than 12000 ms') }),
    ])
    server.cut()
    await asking
  })

  it('closes the channels even if the link can’t be drained', async () => {
    const { shutdown, exits, errors, done } = await setup({
      link() {
        throw new Error('no link')
      },
    })
    void shutdown.start()
    expect(await exits()).toBe(1)
    expect(errors).toEqual([new Error('no link')])
    expect(done).toEqual(['channels', 'app'])
  })

  it('takes every step even if one fails', async () => {
    const { shutdown, exits, errors, done } = await setup({
      channels: {
        async close() {
          throw new Error('no backend')
        },
      },
    })
    void shutdown.start()
    expect(await exits()).toBe(1)
    expect(errors).toEqual([new Error('no backend')])
    expect(done).toEqual(['app'])
  })

  it('starts once, whatever the number of signals', async () => {
    const { shutdown, exits, done } = await setup()
    expect(shutdown.hasStarted).toBe(false)
    const first: Promise<void> = shutdown.start()
    expect(shutdown.start()).toBe(first)
    expect(shutdown.hasStarted).toBe(true)
    await exits()
    expect(done).toEqual(['channels', 'app'])
  })

  it('works without a link, as one that had no request yet', async () => {
    const { shutdown, exits } = await setup({ link: () => undefined })
    void shutdown.start()
    expect(await exits()).toBe(0)
  })

  it('ends the sessions of HTTP/2 clients', async () => {
    const handler = createHTTPHandler({
      router: t.router({ quick: t.procedure.query(() => 'in') }),
    })
    const server = createHttp2Server(handler)
    let code: number | undefined
    const shutdown = gracefulShutdown({
      server,
      link: handler.link,
      unreadyMs: 0,
      signals: [],
      exit: (given) => {
        code = given
      },
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const request = client.request({ ':path': '/quick' })
    const [headers] = await once(request, 'response')
    expect(headers[':status']).toBe(200)
    request.resume()
    await once(request, 'close')
    await Promise.all([once(client, 'close'), shutdown.start()])
    expect(code).toBe(0)
  })

  it('exits at once if the server doesn’t listen yet', async () => {
    const codes: number[] = []
    const shutdown = gracefulShutdown({
      server: createServer(),
      link: () => undefined,
      unreadyMs: 0,
      signals: [],
      exit: (code) => codes.push(code),
    })
    await shutdown.start()
    expect(codes).toEqual([0])
  })

  it.each([-1, Number.NaN])('refuses %d as a time', (drainOverMs) =>
    expect(setup({ drainOverMs })).rejects.toMatchObject({ code: 'INVALID_OPTION' }),
  )
})

it('a timeoutMs that would cut each shutdown is refused', () =>
  expect(setup({ unreadyMs: 5_000, drainOverMs: 5_000, timeoutMs: 10_000 })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('timeoutMs is 10000'),
  }))

describe('readiness', () => {
  it.each([
    ['false', (): boolean => false, 503],
    ['a promise of true', async (): Promise<boolean> => true, 200],
    ['an error', (): Promise<boolean> => Promise.reject(new Error('database')), 503],
  ] as const)('follows isReady, which gives %s', async (_what, isReady, status) => {
    const { server, url } = await setup({ isReady })
    await using _server = server
    expect(await probe(url, '/readyz')).toBe(status)
    expect(await probe(url, '/livez')).toBe(200)
  })

  it('doesn’t wait for an isReady that hangs', async () => {
    const { server, url, clock } = await setup({ isReady: () => new Promise(() => {}) })
    await using _server = server
    const probing = probe(url, '/readyz')
    await clock.due(1_000)
    clock.advance(1_000)
    expect(await probing).toBe(503)
  })

  it('is answered once, also if the app listens for requests later', async () => {
    const http = createServer()
    gracefulShutdown({ server: http, link: () => undefined, signals: [] })
    const asked: unknown[] = []
    http.on('request', (request, response) => {
      asked.push(request.url)
      response.writeHead(404).end()
    })
    await using server = await listen(http)
    expect(await probe(server.url, '/readyz')).toBe(200)
    expect(await probe(server.url, '/other')).toBe(404)
    expect(asked).toEqual(['/other'])
  })

  it('may be at other paths, or nowhere', async () => {
    const moved = await setup({ probes: { liveness: '/alive', readiness: '/ready' } })
    await using _moved = moved.server
    expect([await probe(moved.url, '/alive'), await probe(moved.url, '/readyz')]).toEqual([
      200, 404,
    ])
    const without = await setup({ probes: false })
    await using _without = without.server
    expect(await probe(without.url, '/livez')).toBe(404)
  })
})
