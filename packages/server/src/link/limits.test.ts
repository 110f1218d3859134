import { once } from 'node:events'
import { initTRPC, TRPCError } from '@trpc/server'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ask, openRaw, type RawStream, sendRaw } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { type RouterServerOptions, serveRouter } from '../../../../tests/support/router-server.ts'
import { createServerLink } from '../index.ts'
import { clientAddress } from './address.ts'
import { createLimiter } from './limits.ts'

const t = initTRPC.context<{ user?: string }>().create()

const router = t.router({
  stays: t.procedure.subscription(async function* ({ signal }) {
    yield 'in'
    if (signal) await once(new EventTarget(), 'never', { signal })
  }),
  fails: t.procedure.subscription(async () => {
    throw new TRPCError({ code: 'CONFLICT' })
  }),
  ends: t.procedure.subscription(async function* () {}),
  query: t.procedure.query(() => 'answer'),
})

const byUser = {
  createContext: ({ req }: { req: { headers: Record<string, string> } }) => ({ user: req.headers.user }),
  connectionKey: (ctx: { user?: string }) => ctx.user,
}

const serve = (options: RouterServerOptions) => serveRouter(router, { clock: manualClock(), ...options })

/** Resolves when a stream is in, or refused: with the code. */
async function admission(stream: RawStream): Promise<string> {
  const { event, data } = await stream.next()
  return event === 'serialized-error' ? JSON.parse(data).data.code : event
}

describe('P27: the limit of all connections', () => {
  it('refuses the next one: which limit it is, and when to try again', async () => {
    const errors = createInbox<TRPCError>()
    await using server = await serve({
      limits: { connections: 2 },
      onError: ({ error }) => errors.put(error),
    })
    using first = await openRaw(`${server.url}/stays`)
    using second = await openRaw(`${server.url}/stays`)
    expect([await admission(first), await admission(second)]).toEqual(['connected', 'connected'])
    using third = await openRaw(`${server.url}/stays`)
    await third.over
    expect(third.status).toBe(200)
    expect(third.retries).toEqual([5_000])
    expect(third.messages.map(({ event, data }) => [event, JSON.parse(data)])).toEqual([
      [
        'serialized-error',
        expect.objectContaining({
          message: expect.stringContaining('The limit of 2 connections for this server (connections)'),
          data: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', path: 'stays' }),
        }),
      ],
    ])
    expect(await errors.take()).toMatchObject({ cause: { code: 'TOO_MANY_CONNECTIONS' } })
    expect(errors.items).toHaveLength(1)
    expect(server.link.stats()).toMatchObject({ connections: 2, refused: 1 })
    // Queries are no connections; the others notice nothing.
    expect((await ask(`${server.url}/query`)).text).toBe('{"result":{"data":"answer"}}')
    expect(await first.next()).toMatchObject({ data: '"in"' })
  })

  it('is not got around by what a client writes into its headers', async () => {
    await using server = await serve({ limits: { connections: 1 } })
    using _first = await openRaw(`${server.url}/stays`)
    for (const headers of [
      { 'trpc-accept': 'application/json' },
      { accept: '*/*' },
      { 'content-type': 'a/b' },
    ]) {
      using next = await openRaw(`${server.url}/stays`, { headers })
      expect(await admission(next)).toBe('SERVICE_UNAVAILABLE')
    }
  })
})

describe('P27: the limit for one key', () => {
  it('is for the user that the context tells, and no other is refused', async () => {
    await using server = await serve({ limits: { connectionsPerKey: 1 }, ...byUser })
    using ann = await openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    expect(await admission(ann)).toBe('connected')
    using again = await openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    await again.over
    expect(again.messages[0]?.data).toContain(
      'The limit of 1 connections for one user or address (connectionsPerKey)',
    )
    expect(again.messages[0]?.data).toContain('TOO_MANY_REQUESTS')
    using bob = await openRaw(`${server.url}/stays`, { headers: { user: 'bob' } })
    expect(await admission(bob)).toBe('connected')
  })

  it('is for the address where there is no user: behind a proxy, for the one that the proxy has seen', async () => {
    await using server = await serve({ limits: { connectionsPerKey: 1 }, ...byUser })
    const from = (forwarded: string) =>
      openRaw(`${server.url}/stays`, { headers: { 'x-forwarded-for': forwarded } })
    using first = await from('1.1.1.1')
    using forged = await from('9.9.9.9, 1.1.1.1')
    using other = await from('1.1.1.1, 2.2.2.2')
    using direct = await openRaw(`${server.url}/stays`)
    const admissions = await Promise.all([first, forged, other, direct].map(admission))
    expect(admissions).toEqual(['connected', 'TOO_MANY_REQUESTS', 'connected', 'connected'])
  })

  it('holds for web-standard requests too', async () => {
    const link = createServerLink({ router, createContext: () => ({}), limits: { connectionsPerKey: 1 } })
    const headers = { 'x-forwarded-for': '1.1.1.1' }
    const first = await link.fetch(new Request('http://localhost/stays', { headers }))
    const second = await link.fetch(new Request('http://localhost/stays', { headers }))
    expect(await second.text()).toContain('TOO_MANY_REQUESTS')
    await first.body?.cancel()
    const third = await link.fetch(new Request('http://localhost/ends', { headers }))
    expect(await third.text()).toContain('event: return')
  })

  it.each([
    ['1.2.3.4', '9.9.9.9', '1.2.3.4'],
    ['127.0.0.1', null, '127.0.0.1'],
    ['127.0.0.1', '', '127.0.0.1'],
    ['127.0.0.1', '9.9.9.9 , 8.8.8.8 ', '8.8.8.8'],
    ['::1', '8.8.8.8', '8.8.8.8'],
    ['::ffff:10.0.0.1', '8.8.8.8', '8.8.8.8'],
    ['::ffff:8.8.4.4', '9.9.9.9', '::ffff:8.8.4.4'],
    ['172.16.0.1', '8.8.8.8', '8.8.8.8'],
    ['172.32.0.1', '8.8.8.8', '172.32.0.1'],
    ['fd00::1', '8.8.8.8', '8.8.8.8'],
    ['fe80::1', '8.8.8.8', '8.8.8.8'],
    ['2001:db8::1', '8.8.8.8', '2001:db8::1'],
    [undefined, '8.8.8.8', '8.8.8.8'],
    [undefined, null, undefined],
  ])('of a peer %s that forwards for %s counts %s', (peer, forwarded, expected) => {
    expect(clientAddress(peer, forwarded)).toBe(expected)
  })
})

describe('a place', () => {
  it.each(['fails', 'ends', 'unknown', 'stays?input=%7B'])('is given back after %s', async (path) => {
    await using server = await serve({ limits: { connections: 1, connectionsPerKey: 1 } })
    for (let round = 0; round < 3; round++) {
      using stream = await openRaw(`${server.url}/${path}`)
      if (path.startsWith('stays')) {
        await stream.next()
        await stream.next()
        server.link.disconnect(() => true)
      }
      await stream.over
    }
    expect(server.link.stats()).toMatchObject({ connections: 0, refused: 0 })
  })

  it.each(['createContext', 'connectionKey', 'responseMeta'] as const)(
    'is given back after %s throws',
    async (name) => {
      const errors = createInbox<TRPCError>()
      const options = {
        [name]() {
          throw new TRPCError({ code: 'UNAUTHORIZED', message: name })
        },
      }
      await using server = await serve({
        limits: { connections: 1, connectionsPerKey: 1 },
        onError: ({ error }) => errors.put(error),
        ...options,
      })
      const link = createServerLink({
        router,
        createContext: () => ({}),
        limits: { connections: 1 },
        onError: ({ error }: { error: TRPCError }) => errors.put(error),
        ...options,
      } as never)
      for (let round = 0; round < 3; round++) {
        const answer = await ask(`${server.url}/stays`)
        const response = await link.fetch(new Request('http://localhost/stays'))
        expect(response.status).toBe(answer.status)
        for (const text of [answer.text, await response.text()]) expect(text).toContain(`"message":"${name}"`)
        expect(answer.status).toBe(name === 'responseMeta' ? 500 : 200)
      }
      expect(errors.items.map(({ message }) => message)).toEqual(Array(6).fill(name))
      for (const { stats } of [server.link, link])
        expect(stats()).toMatchObject({ connections: 0, refused: 0 })
    },
  )

  it('is given back after onError throws; the client is answered all the same', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using server = await serve({
      limits: { connections: 1, connectionsPerKey: 1 },
      onError() {
        throw new Error('onError itself')
      },
    })
    for (let round = 0; round < 3; round++) {
      expect((await ask(`${server.url}/fails`)).text).toContain('"code":"CONFLICT"')
    }
    expect(log).toHaveBeenCalledTimes(3)
    log.mockRestore()
  })

  it('is there exactly if nobody has it, whatever happens in whatever order', () => {
    const limits = { connections: 5, connectionsPerKey: 2 }
    const step = fc.record({
      what: fc.constantFrom('take', 'takeKey', 'release'),
      place: fc.nat(20),
      key: fc.constantFrom('a', 'b', 'c'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limiter = createLimiter(limits)
        const held: Array<{ key?: string }> = []
        for (const { what, place: index, key } of steps) {
          const chosen = held[index % Math.max(1, held.length)]
          if (what === 'take') {
            if (held.length >= limits.connections) expect(() => limiter.take()).toThrow('(connections)')
            else {
              limiter.take()
              held.push({})
            }
          } else if (what === 'release' && chosen) {
            limiter.release(chosen.key)
            held.splice(held.indexOf(chosen), 1)
          } else if (chosen && chosen.key === undefined) {
            const full = held.filter((other) => other.key === key).length >= limits.connectionsPerKey
            if (full) expect(() => limiter.takeKey(key)).toThrow('(connectionsPerKey)')
            else {
              limiter.takeKey(key)
              chosen.key = key
            }
          }
        }
      }),
    )
  })

  it('is free again when its holder has left', async () => {
    await using server = await serve({ limits: { connections: 1, connectionsPerKey: 1 } })
    const closed = createInbox<string>()
    server.server.on('connection', (socket) => socket.once('close', () => closed.put('close')))
    for (let round = 0; round < 5; round++) {
      const request = sendRaw(`${server.url}/stays`)
      await once(request, 'response')
      request.destroy()
      await closed.take()
    }
    expect(server.link.stats()).toMatchObject({ connections: 0, refused: 0 })
  })
})
