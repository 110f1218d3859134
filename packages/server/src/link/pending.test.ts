import { once } from 'node:events'
import http from 'node:http'
import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { ask, openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  type RouterServer,
  type RouterServerOptions,
  serveRouter,
} from '../../../../tests/support/router-server.ts'
import { createServerLink } from '../index.ts'
import type { Tally } from './connection/limiter.ts'
import { Bodies, type IncomingBody } from './request/body.ts'

interface User {
  readonly user?: string | undefined
}

const t = initTRPC.context<User>().create()

const router = t.router({
  stays: t.procedure.subscription(async function* ({ signal }) {
    yield 'in'
    if (signal) await once(new EventTarget(), 'never', { signal })
  }),
})

const json = { 'content-type': 'application/json' }
const set = { version: 1, revision: 1, subscriptions: { a: { path: 'stays' } } }

interface Unfinished {
  readonly request: http.ClientRequest
  readonly answer: Promise<{ status: number; text: string; closed: boolean }>
}

/** Sends a request whose body never ends. */
async function sendUnfinished(url: string, body: string, headers = {}): Promise<Unfinished> {
  const request = http.request(`${url}/~sse`, {
    method: 'POST',
    agent: false,
    headers: { ...json, 'content-length': 1_000_000, ...headers },
  })
  request.on('error', () => {})
  const answer = new Promise<http.IncomingMessage>((resolve) =>
    request.once('response', resolve),
  ).then(read)
  await new Promise<void>((resolve) => request.write(body, () => resolve()))
  return { request, answer }
}

async function read(response: http.IncomingMessage) {
  let text = ''
  response.on('data', (chunk) => {
    text += chunk
  })
  await once(response, 'end')
  return { status: response.statusCode ?? 0, text, closed: response.headers.connection === 'close' }
}

const post = (server: RouterServer, headers = {}) => ({
  answer: ask(`${server.url}/~sse`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(set),
  }),
})

/** A server that creates each context when the test says so. */
async function slowContexts(options: RouterServerOptions) {
  const contexts = createInbox<() => void>()
  const server = await serveRouter(router, {
    trustProxy: 1,
    ...options,
    createContext: ({ req }: { req: http.IncomingMessage }) =>
      new Promise<User>((resolve) =>
        contexts.put(() => resolve({ user: req.headers.user?.toString() })),
      ),
  })
  return Object.assign(server, { contexts })
}

const from = (address: string, user?: string) => ({
  'x-forwarded-for': address,
  ...(user && { user }),
})

describe('pending bodies', () => {
  it('take a slot before they are read', async () => {
    const clock = manualClock()
    await using server = await serveRouter(router, { clock, limits: { connections: 3 } })
    const held = await Promise.all([1, 2, 3].map(() => sendUnfinished(server.url, '{')))
    // Each body has a timer once its slot is taken.
    await clock.due(10_000)
    const { status, text } = await post(server).answer
    expect([status, text]).toEqual([503, expect.stringContaining('limits.connections raises it')])
    for (const { request } of held) request.destroy()
  })

  it('P68: are answered 408 when they take too long, and their socket is closed', async () => {
    const clock = manualClock()
    await using server = await serveRouter(router, { clock, limits: { connections: 1 } })
    const { answer } = await sendUnfinished(server.url, '{"version":')
    await clock.due(10_000)
    clock.advance(10_000)
    expect(await answer).toMatchObject({
      status: 408,
      text: expect.stringContaining('10000 ms (limits.bodyMs)'),
      closed: true,
    })
    // The slot is free again.
    using stream = await openRaw(`${server.url}/stays`)
    expect((await stream.next()).event).toBe('connected')
  })

  it('are cut off if they continue endlessly after their answer', async () => {
    const clock = manualClock()
    await using server = await serveRouter(router, { clock })
    const { request, answer } = await sendUnfinished(server.url, 'x', {
      'content-type': 'text/plain',
    })
    expect((await answer).status).toBe(415)
    await clock.due(10_000)
    clock.advance(10_000)
    if (!request.destroyed) await once(request, 'close')
  })

  it('P68: share a bounded memory, of which no address gets more than its share', () => {
    const bodies = new Bodies({ clock: manualClock(), bytes: 8_000_000, forMs: 1_000 })
    const tally = (name: string): Tally => ({
      name,
      requests: 0,
      connections: 0,
      bodyBytes: 0,
    })
    const bytes = new Uint8Array(1_000_000)
    const fill = (sender: Tally): IncomingBody => {
      const body = bodies.begin(sender)
      body.push(bytes)
      return body
    }
    const first = tally('address 1.1.1.1')
    const held = [fill(first), fill(first)]
    expect(() => fill(first)).toThrow('bodyBytes')
    // Senders with unknown addresses don't count as one sender.
    const unknown = tally('')
    for (let i = 0; i < 6; i++) held.push(fill(unknown))
    expect(() => fill(unknown)).toThrow('bodyBytes')
    held[0]?.release()
    held[0]?.release()
    fill(first)
    expect(() => fill(first)).toThrow('bodyBytes')
  })

  it('cost their size, however many pieces they come in', () => {
    const bodies = new Bodies({ clock: manualClock(), bytes: 8_000_000, forMs: 1_000 })
    const body = bodies.begin(undefined)
    const text = JSON.stringify({ text: 'é€😀'.repeat(1_000) })
    for (const byte of new TextEncoder().encode(text)) body.push(Uint8Array.of(byte))
    expect(body.text()).toBe(text)
  })

  it('hold no memory once their client has left or the stream is open', async () => {
    await using server = await serveRouter(router, { limits: { bodyBytes: 1_100_000 } })
    const padding = 'x'.repeat(700_000)
    const body = JSON.stringify({ ...set, padding })
    for (let round = 0; round < 3; round++) {
      using stream = await openRaw(`${server.url}/~sse`, { method: 'POST', headers: json, body })
      expect((await stream.next()).event).toBe('$connected')
      const { request } = await sendUnfinished(server.url, '{')
      request.destroy()
    }
  })

  it.each([
    [
      'no UTF-8',
      new Uint8Array([...Buffer.from('{"version":1,"x":"'), 0xc3, 0x28, ...Buffer.from('"}')]),
    ],
    [
      'half a character at its end',
      new Uint8Array([...Buffer.from(JSON.stringify(set)), 0xe2, 0x82]),
    ],
  ])('P48: with %s get 400', async (_name, body) => {
    const link = createServerLink({ router, createContext: () => ({}) })
    const answer = await link.fetch(
      new Request('http://localhost/~sse', { method: 'POST', headers: json, body }),
    )
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('not UTF-8'),
    ])
  })

  it('have the same limits in web-standard requests', async () => {
    const clock = manualClock()
    const link = createServerLink({
      router,
      createContext: () => ({}),
      clock,
      limits: { connections: 1 },
    })
    const endless = () =>
      link.fetch(
        new Request('http://localhost/~sse', {
          method: 'POST',
          headers: json,
          body: new ReadableStream(),
          duplex: 'half',
        } as RequestInit),
      )
    const first = endless()
    expect((await endless()).status).toBe(503)
    await clock.due(10_000)
    clock.advance(10_000)
    expect((await first).status).toBe(408)
  })
})

describe('pending contexts', () => {
  it.each(['stays', '~sse'])(
    'of many requests for %s from one address leave slots for other addresses',
    async (path) => {
      await using server = await slowContexts({
        limits: { connections: 10, connectionsPerKey: 3 },
        connectionKey: ({ user }: User) => user,
        onError: () => {},
      })
      const asked: RawStream[] = []
      /** Resolves to whether the stream was accepted or refused. */
      async function openOne(headers: Record<string, string>): Promise<boolean> {
        const body = JSON.stringify(set)
        const many = { method: 'POST', headers: { ...json, ...headers }, body }
        const stream = await openRaw(`${server.url}/${path}`, path === '~sse' ? many : { headers })
        asked.push(stream)
        await Promise.race([stream.next(), stream.over])
        return stream.messages.some(({ event }) => event.endsWith('connected'))
      }
      const sixes = Array.from({ length: 20 }, (_, i) => openOne(from('6.6.6.6', `user ${i}`)))
      const making = await server.contexts.takeMany(3)
      const ann = openOne(from('7.7.7.7', 'ann'))
      for (const make of [...making, await server.contexts.take()]) make()
      expect((await Promise.all(sixes)).filter((isIn) => isIn)).toHaveLength(3)
      expect(await ann).toBe(true)
      for (const stream of asked) stream.leave()
    },
  )
})

describe('a disconnect while a stream is being opened', () => {
  const keyed: RouterServerOptions = { connectionKey: ({ user }: User) => user, onError: () => {} }

  it.each([
    ['by a function', (server: RouterServer) => server.link.disconnect(({ key }) => key === 'ann')],
    ['by key', (server: RouterServer) => server.link.disconnect({ key: 'ann' }, 'out')],
    ['by path', (server: RouterServer) => server.link.disconnect({ path: 'stays' })],
    [
      'by key and path',
      (server: RouterServer) => server.link.disconnect({ key: 'ann', path: 'stays' }),
    ],
  ])('%s makes the client authenticate again, in both modes', async (_name, disconnect) => {
    await using server = await slowContexts(keyed)
    const single = openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    const many = post(server, { user: 'ann' }).answer
    const made = await server.contexts.takeMany(2)
    const ended = disconnect(server)
    for (const make of made) make()
    expect(await ended).toBe(0)
    using stream = await single
    await stream.over
    expect(stream.messages[0]).toMatchObject({ event: 'serialized-error' })
    expect(stream.messages[0]?.data).toContain('SERVICE_UNAVAILABLE')
    // A short time, as there is nothing to wait for.
    expect(stream.retries.every((ms) => ms < 1_000)).toBe(true)
    expect((await many).status).toBe(503)
    expect(server.link.stats().connections).toBe(0)
    // A request after the disconnect is accepted.
    const again = openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    ;(await server.contexts.take())()
    using next = await again
    expect((await next.next()).event).toBe('connected')
  })

  it.each(['/stays', '/~sse'])('has an effect at every moment (%s)', async (path) => {
    for (let ticks = 0; ticks < 24; ticks++) {
      await using server = await slowContexts(keyed)
      const init = path === '/stays' ? {} : { method: 'POST', body: JSON.stringify(set) }
      const opening = openRaw(server.url + path, { ...init, headers: { ...json, user: 'ann' } })
      const make = await server.contexts.take()
      make()
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      void server.link.disconnect({ key: 'ann' })
      using stream = await opening
      await stream.over
      expect(server.link.connections()).toEqual([])
    }
  })

  it('doesn’t affect other clients', async () => {
    await using server = await slowContexts(keyed)
    const bobs = openRaw(`${server.url}/stays`, { headers: { user: 'bob' } })
    const make = await server.contexts.take()
    void server.link.disconnect({ key: 'ann' })
    void server.link.disconnect({ path: 'elsewhere' })
    make()
    using stream = await bobs
    expect((await stream.next()).event).toBe('connected')
  })

  it('makes a control request of the client get 404', async () => {
    await using server = await slowContexts(keyed)
    const opening = openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers: { ...json, user: 'ann' },
      body: JSON.stringify({ ...set, subscriptions: {} }),
    })
    ;(await server.contexts.take())()
    using stream = await opening
    const { connectionId } = JSON.parse((await stream.next()).data)
    const changed = ask(`${server.url}/~sse`, {
      method: 'POST',
      headers: { ...json, user: 'ann' },
      body: JSON.stringify({ ...set, revision: 2, connectionId }),
    })
    const make = await server.contexts.take()
    // The stream doesn't have this path yet.
    expect(await server.link.disconnect({ key: 'ann', path: 'stays' })).toBe(0)
    make()
    expect((await changed).status).toBe(404)
  })

  it('ends no stream if its function returns a promise or throws', async () => {
    await using server = await serveRouter(router)
    using stream = await openRaw(`${server.url}/stays`)
    await stream.next()
    const failing = (): never => {
      throw new Error('failed')
    }
    for (const filter of [async () => false, failing] as Array<() => never>)
      expect(() => server.link.disconnect(filter)).toThrow(/promise|failed/)
    expect(server.link.stats().connections).toBe(1)
  })

  it('is refused without a key or a path, as it would end all streams', async () => {
    await using server = await serveRouter(router)
    for (const target of [{}, { key: undefined }])
      expect(() => server.link.disconnect(target)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
  })
})

describe('connections()', () => {
  it('lists the owner, paths, start and waiting bytes of each connection', async () => {
    const clock = manualClock()
    await using server = await serveRouter(router, {
      clock,
      createContext: ({ req }: { req: http.IncomingMessage }) => ({ user: req.headers.user }),
      connectionKey: ({ user }: User) => user,
    })
    expect(server.link.connections()).toEqual([])
    using ann = await openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    await ann.nextMany(2)
    clock.advance(1_000)
    using nobody = await openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(set),
    })
    await nobody.nextMany(3)
    const one = { paths: ['stays'], subscriptions: 1, bytesWaiting: 0 }
    expect(server.link.connections()).toEqual([
      { ...one, key: 'ann', ctx: { user: 'ann' }, openedAt: new Date(1_000_000) },
      { ...one, address: '127.0.0.1', ctx: { user: undefined }, openedAt: new Date(1_001_000) },
    ])
  })
})
