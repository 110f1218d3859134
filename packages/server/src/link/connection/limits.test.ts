import { once } from 'node:events'
import { initTRPC, TRPCError } from '@trpc/server'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ask, openRaw, type RawStream, sendRaw } from '../../../../../tests/support/http.ts'
import { createInbox } from '../../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import {
  type RouterServerOptions,
  serveRouter,
} from '../../../../../tests/support/router-server.ts'
import { createServerLink } from '../../index.ts'
import { createAddressReader, networkOf, type TrustProxy } from '../request/address.ts'
import { Limiter, type SlotHolder } from './limiter.ts'

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
  createContext: ({ req }: { req: { headers: Record<string, string> } }) => ({
    user: req.headers.user,
  }),
  connectionKey: (ctx: { user?: string }) => ctx.user,
}

const serve = (options: RouterServerOptions) =>
  serveRouter(router, { clock: manualClock(), ...options })

/** Resolves when a stream was accepted or refused: to the event or the error code. */
async function admission(stream: RawStream): Promise<string> {
  const { event, data } = await stream.next()
  return event === 'serialized-error' ? JSON.parse(data).data.code : event
}

describe('P27: the limit on all connections', () => {
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
          message: expect.stringContaining(
            'The limit of 2 connections for this server (connections)',
          ),
          data: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', path: 'stays' }),
        }),
      ],
    ])
    expect(await errors.take()).toMatchObject({ cause: { code: 'TOO_MANY_CONNECTIONS' } })
    expect(errors.items).toHaveLength(1)
    expect(server.link.stats()).toMatchObject({ connections: 2, refused: 1 })
    // Queries aren't connections, and other streams aren't affected.
    expect((await ask(`${server.url}/query`)).text).toBe('{"result":{"data":"answer"}}')
    expect(await first.next()).toMatchObject({ data: '"in"' })
  })

  it('can’t be circumvented by a client’s headers', async () => {
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

describe('P27: the limit per key', () => {
  it('applies to the user in the context, and refuses no other user', async () => {
    await using server = await serve({ limits: { connectionsPerKey: 1 }, ...byUser })
    using ann = await openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    expect(await admission(ann)).toBe('connected')
    using again = await openRaw(`${server.url}/stays`, { headers: { user: 'ann' } })
    await again.over
    expect(again.messages[0]?.data).toContain(
      'The limit of 1 connections for one user (connectionsPerKey)',
    )
    expect(again.messages[0]?.data).toContain('TOO_MANY_REQUESTS')
    using bob = await openRaw(`${server.url}/stays`, { headers: { user: 'bob' } })
    expect(await admission(bob)).toBe('connected')
  })

  it('applies to the address if there is no user, and behind a trusted proxy to the address that the proxy reports', async () => {
    await using server = await serve({ limits: { connectionsPerKey: 1 }, trustProxy: 1, ...byUser })
    const from = (forwarded: string) =>
      openRaw(`${server.url}/stays`, { headers: { 'x-forwarded-for': forwarded } })
    using first = await from('1.1.1.1')
    using forged = await from('9.9.9.9, 1.1.1.1')
    using other = await from('1.1.1.1, 2.2.2.2')
    using direct = await openRaw(`${server.url}/stays`)
    const admissions = await Promise.all([first, forged, other, direct].map(admission))
    expect(admissions).toEqual(['connected', 'TOO_MANY_REQUESTS', 'connected', 'connected'])
  })

  it('P27: trusts no proxy without trustProxy, and says which option raises the limit', async () => {
    await using server = await serve({ limits: { connectionsPerAddress: 1 }, ...byUser })
    const from = (forwarded: string) =>
      openRaw(`${server.url}/stays`, { headers: { 'x-forwarded-for': forwarded } })
    using first = await from('1.1.1.1')
    using second = await from('2.2.2.2')
    expect([await admission(first), await second.next()]).toEqual([
      'connected',
      expect.objectContaining({
        data: expect.stringMatching(
          /1 connections for one address \(connectionsPerAddress\).*trustProxy/,
        ),
      }),
    ])
  })

  it('never counts a user and an address of the same name together', async () => {
    await using server = await serve({ limits: { connectionsPerKey: 1 }, ...byUser })
    using ann = await openRaw(`${server.url}/stays`, { headers: { user: '127.0.0.1' } })
    using nobody = await openRaw(`${server.url}/stays`)
    expect([await admission(ann), await admission(nobody)]).toEqual(['connected', 'connected'])
    expect(server.link.connections().map(({ key, address }) => [key, address])).toEqual([
      ['127.0.0.1', undefined],
      [undefined, '127.0.0.1'],
    ])
  })

  it('applies to web-standard requests too', async () => {
    const link = createServerLink({
      router,
      createContext: () => ({}),
      limits: { connectionsPerKey: 1 },
      trustProxy: 1,
    })
    const headers = { 'x-forwarded-for': '1.1.1.1' }
    const first = await link.fetch(new Request('http://localhost/stays', { headers }))
    const second = await link.fetch(new Request('http://localhost/stays', { headers }))
    expect(await second.text()).toContain('TOO_MANY_REQUESTS')
    await first.body?.cancel()
    const third = await link.fetch(new Request('http://localhost/ends', { headers }))
    expect(await third.text()).toContain('event: return')
  })

  const byRange: TrustProxy = ['loopback', 'uniquelocal', '2001:db8::/32', '8.8.8.8']
  it.each<[TrustProxy | undefined, string | undefined, string | null, string | undefined]>([
    [undefined, '127.0.0.1', '9.9.9.9', '127.0.0.1'],
    [false, '127.0.0.1', '9.9.9.9', '127.0.0.1'],
    [false, undefined, '9.9.9.9', undefined],
    [0, '127.0.0.1', '9.9.9.9', '127.0.0.1'],
    [1, '127.0.0.1', null, '127.0.0.1'],
    [1, '127.0.0.1', '', '127.0.0.1'],
    [1, '127.0.0.1', '9.9.9.9 , 7.7.7.7 ', '7.7.7.7'],
    [2, '127.0.0.1', '6.6.6.6, 9.9.9.9, 7.7.7.7', '9.9.9.9'],
    [9, '127.0.0.1', '6.6.6.6, 9.9.9.9', '6.6.6.6'],
    [1, undefined, '9.9.9.9, 7.7.7.7', '7.7.7.7'],
    [1, undefined, null, undefined],
    [1, '127.0.0.1', 'unknown', '127.0.0.1'],
    [2, '127.0.0.1', '9.9.9.9, _hidden', '127.0.0.1'],
    [1, '127.0.0.1', '7.7.7.7:1234', '7.7.7.7'],
    [1, '127.0.0.1', '[2001:db8::1]:1234', '2001:db8::1'],
    [1, '127.0.0.1', '300.1.1.1', '127.0.0.1'],
    [true, '127.0.0.1', '6.6.6.6, 9.9.9.9', '6.6.6.6'],
    [byRange, '127.0.0.1', '9.9.9.9, 7.7.7.7', '7.7.7.7'],
    [byRange, '::ffff:10.0.0.1', '9.9.9.9, 8.8.8.8, 2001:db8:1::5, 192.168.0.1', '9.9.9.9'],
    [byRange, '172.32.0.1', '9.9.9.9', '172.32.0.1'],
    [byRange, '2001:db9::1', '9.9.9.9', '2001:db9::1'],
    [byRange, '::1', '9.9.9.9', '9.9.9.9'],
    [byRange, undefined, '9.9.9.9', undefined],
    [['linklocal'], 'fe80::1%eth0', '9.9.9.9', '9.9.9.9'],
    [false, 'fe80::1%eth0', null, 'fe80::1'],
    [1, '127.0.0.1', '::ffff:102:304', '1.2.3.4'],
    [1, '127.0.0.1', '0:0:0:0:0:FFFF:1.2.3.4', '1.2.3.4'],
    [1, '127.0.0.1', '001.2.3.04', '1.2.3.4'],
    [1, '127.0.0.1', '2001:db8::1.2.3.4', '2001:db8::1.2.3.4'],
    [(address) => address === undefined, undefined, '9.9.9.9', '9.9.9.9'],
    [(address) => address === '1.1.1.1', '1.1.1.1', '9.9.9.9, 1.1.1.1', '9.9.9.9'],
  ])(
    'trusting %j, of a peer %s that forwards for %s counts %s',
    (trust, peer, forwarded, expected) => {
      expect(createAddressReader(trust)(peer, forwarded)).toBe(expected)
    },
  )

  it.each([
    -1,
    1.5,
    ['10.0.0.0/33'],
    ['nowhere'],
    ['1.2.3'],
    ['::1::2'],
    ['10.0.0.0/8/8'],
    ['fe80::/129'],
  ])('refuses to trust %j', (trustProxy) => {
    const code = 'INVALID_OPTION'
    expect(() => createServerLink({ router, createContext: () => ({}), trustProxy })).toThrow(
      expect.objectContaining({ code }),
    )
  })

  it('does not treat a promise of trustProxy as true', () => {
    const isKnown = (() => Promise.resolve(false)) as unknown as TrustProxy
    expect(() => createAddressReader(isKnown)('1.1.1.1', '9.9.9.9')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  it('counts an IPv6 client by its network, whatever the rest of its address', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:db8:1:2:bbbb::2'))
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'))
    expect(networkOf('fe80::1%a')).toBe(networkOf('fe80::2%b'))
    expect(networkOf('1.2.3.4')).toBe('1.2.3.4')
  })
})

describe('a connection slot', () => {
  it.each(['fails', 'ends', 'unknown', 'stays?input=%7B'])('is released after %s', async (path) => {
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
    'is released after %s throws',
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
        for (const text of [answer.text, await response.text()])
          expect(text).toContain(`"message":"${name}"`)
        expect(answer.status).toBe(name === 'responseMeta' ? 500 : 200)
      }
      expect(errors.items.map(({ message }) => message)).toEqual(Array(6).fill(name))
      for (const { stats } of [server.link, link])
        expect(stats()).toMatchObject({ connections: 0, refused: 0 })
    },
  )

  it('is released after onError throws, and the client still gets its answer', async () => {
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

  it('is free if and only if no connection has it, in any order of events', () => {
    const limits = { connections: 5, connectionsPerKey: 2, connectionsPerAddress: 3 }
    const step = fc.record({
      what: fc.constantFrom('addRequest', 'takeSlot', 'addConnection', 'endRequest', 'release'),
      place: fc.nat(20),
      key: fc.constantFrom('a', 'b', undefined),
      address: fc.constantFrom('1.1.1.1', '2.2.2.2', 'a', undefined),
    })
    /** A holder of slots, and the slots that a simple model says it holds. */
    interface Held extends SlotHolder {
      readonly address: string | undefined
      pending: boolean
      taken: boolean
      countedAs?: string
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limiter = new Limiter(limits)
        const held = new Set<Held>()
        const count = (fits: (one: Held) => boolean): number => [...held].filter(fits).length
        for (const { what, place, key, address } of steps) {
          const chosen = [...held][place % Math.max(1, held.size)]
          if (what === 'addRequest') {
            const nobody = {
              requestTally: undefined,
              connectionTally: undefined,
              hasSlot: false,
              isReplaced: false,
            }
            const holder: Held = { ...nobody, address, pending: true, taken: false }
            const isFull =
              count(({ pending }) => pending) >= limits.connections ||
              (address !== undefined &&
                count((one) => one.pending && one.address === address) >=
                  limits.connectionsPerAddress)
            if (isFull) expect(() => limiter.addRequest(holder, address)).toThrow('The limit of')
            else {
              limiter.addRequest(holder, address)
              held.add(holder)
            }
          } else if (chosen === undefined) continue
          else if (what === 'release') {
            limiter.release(chosen)
            held.delete(chosen)
          } else if (what === 'endRequest') {
            limiter.endRequest(chosen)
            chosen.pending = false
          } else if (what === 'takeSlot' && !chosen.taken) {
            if (count(({ taken }) => taken) >= limits.connections)
              expect(() => limiter.takeSlot(chosen)).toThrow('(connections)')
            else {
              limiter.takeSlot(chosen)
              chosen.taken = true
            }
          } else if (what === 'addConnection' && chosen.pending && chosen.countedAs === undefined) {
            const name = key === undefined ? `at ${chosen.address}` : `of ${key}`
            const most = key === undefined ? limits.connectionsPerAddress : limits.connectionsPerKey
            const isFull =
              name !== 'at undefined' && count(({ countedAs }) => countedAs === name) >= most
            if (isFull) expect(() => limiter.addConnection(chosen, key)).toThrow('The limit of')
            else {
              limiter.addConnection(chosen, key)
              chosen.countedAs = name
            }
          }
        }
      }),
    )
  })

  it('is released when its client has left', async () => {
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
