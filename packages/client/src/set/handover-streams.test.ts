import { describe, expect, it, vi } from 'vitest'
import {
  event,
  type MultiplexedClient,
  multiplexedClient,
  nextSet,
  type SetExchange,
} from '../../../../tests/support/multiplexed.ts'
import { type ScriptedServer, scriptedServer } from '../../../../tests/support/scripted-server.ts'
import { opening } from '../../../../tests/support/subscribe.ts'
import type { SseFallback } from '../index.ts'

/** Two subscriptions on a stream, each after its first event. */
async function setup(server: ScriptedServer) {
  const client = multiplexedClient(server)
  const a = client.follow('a')
  const b = client.follow('b')
  const first = await nextSet(server)
  first.open('one', 'a', 'b').events('a', 1).events('b', 1)
  await Promise.all([a.nextMany(4), b.nextMany(4)])
  return { ...client, a, b, first }
}

async function setAfter(
  ms: number,
  { clock }: Pick<MultiplexedClient, 'clock'>,
  server: ScriptedServer,
): Promise<SetExchange> {
  await clock.due(ms)
  clock.advance(ms)
  return nextSet(server)
}

describe('P61: a stream during a handover', () => {
  it('P61: continues until every subscription has started on the new one; nothing is missed or repeated', async () => {
    await using server = await scriptedServer()
    const { a, b, clock, first } = await setup(server)
    first.reconnect().events('a', 2)
    const second = await setAfter(50, { clock }, server)
    expect(second.connectionId).toBeUndefined()
    expect(second.wanted).toEqual([
      { path: 'a', lastEventId: '2-0' },
      { path: 'b', lastEventId: '1-0' },
    ])
    first.events('a', 3).events('b', 2)
    second.open('two', 'a').events('a', 3, 4)
    expect(await a.nextMany(3)).toEqual([event(2), event(3), event(4)])
    first.events('a', 4, 5).events('b', 3)
    second.start('b').events('b', 2, 3, 4)
    expect(await b.nextMany(3)).toEqual([event(2), event(3), event(4)])
    await first.exchange.gone
    second.events('a', 5)
    expect(await a.next()).toEqual(event(5))
    // No handler was notified of any of it.
    expect([...a.news, ...b.news].filter(([what]) => what === 'connecting').length).toBe(2)
  })

  it('P61: delivers its held events, in order, if no new one can be opened', async () => {
    await using server = await scriptedServer()
    const { a, b, clock, first } = await setup(server)
    first.reconnect()
    const second = await setAfter(50, { clock }, server)
    first.events('a', 2, 3).events('b', 2)
    second.exchange.answer(503)
    expect(await a.nextMany(2)).toEqual([event(2), event(3)])
    first.events('a', 4)
    expect(await a.next()).toEqual(event(4))
    const third = await setAfter(125, { clock }, server)
    expect(third.wanted.map(({ lastEventId }) => lastEventId)).toEqual(['4-0', '2-0'])
    first.exchange.cut()
    expect(await b.nextMany(2)).toEqual([event(2), ['connecting']])
    third.open('three', 'a', 'b').events('a', 5).events('b', 3)
    expect(await a.nextMany(4)).toEqual([['connecting'], ['started'], ['pending'], event(5)])
    expect(await b.nextMany(3)).toEqual([['started'], ['pending'], event(3)])
  })

  it('P61: is closed after 5 s, even if a subscription has not started on the new one', async () => {
    await using server = await scriptedServer()
    const { a, b, clock, first } = await setup(server)
    first.reconnect()
    const second = await setAfter(50, { clock }, server)
    second.open('two', 'a').events('a', 2)
    expect(await a.next()).toEqual(event(2))
    first.events('b', 2)
    clock.advance(5_000)
    await first.exchange.gone
    expect(await b.next()).toEqual(['connecting'])
    second.start('b').events('b', 2)
    expect(await b.nextMany(3)).toEqual([['started'], ['pending'], event(2)])
  })

  it('P61: is not followed by a third one while the second is being opened', async () => {
    await using server = await scriptedServer()
    const { clock, first } = await setup(server)
    first.reconnect().reconnect()
    const second = await setAfter(50, { clock }, server)
    first.reconnect()
    second.open('two', 'a', 'b')
    await first.exchange.gone
    expect(server.count()).toBe(2)
  })

  it('P61: is abandoned after 3 s without an answer, so that no event is held back for longer', async () => {
    await using server = await scriptedServer()
    const { a, clock, first } = await setup(server)
    first.reconnect()
    const second = await setAfter(50, { clock }, server)
    first.events('a', 2).exchange.send({ event: '$ping', data: '' })
    await clock.due(3_000)
    clock.advance(3_000)
    await second.exchange.gone
    expect(await a.next()).toEqual(event(2))
  })

  it('P61: has the same ids without a position, and they are not delivered twice', async () => {
    await using server = await scriptedServer()
    const client = multiplexedClient(server)
    const a = client.follow('a')
    const first = await nextSet(server)
    first.open('one', 'a')
    await a.nextMany(3)
    first.exchange.send({ event: '$ping', data: '' })
    first.reconnect()
    const second = await setAfter(50, client, server)
    first.events('a', 1, 2)
    expect(await a.nextMany(2)).toEqual([event(1), event(2)])
    second.open('two', 'a').events('a', 1, 2, 3)
    expect(await a.next()).toEqual(event(3))
  })
})

describe('P62: a control request that fails', () => {
  it.each([404, 500, 204, 400])(
    'with %i leads to a new stream for all, beside the old one',
    async (status) => {
      await using server = await scriptedServer()
      const { a, follow, clock, first } = await setup(server)
      const c = follow('c')
      const control = await nextSet(server)
      expect(control.connectionId).toBe('one')
      control.exchange.answer(status)
      const second = await setAfter(50, { clock }, server)
      expect(second.connectionId).toBeUndefined()
      expect(second.wanted).toEqual([
        { path: 'a', lastEventId: '1-0' },
        { path: 'b', lastEventId: '1-0' },
        { path: 'c' },
      ])
      second.open('two', 'a', 'b', 'c').events('c', 7).events('a', 2)
      expect(await c.nextMany(4)).toEqual([...opening, event(7)])
      expect(await a.next()).toEqual(event(2))
      await first.exchange.gone
    },
  )

  it('P62: is cut or gets no answer, with the same effect', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = await setup(server)
    follow('c')
    const cut = await nextSet(server)
    cut.exchange.cut()
    const second = await setAfter(50, { clock }, server)
    second.open('two', 'a', 'b', 'c')
    const d = follow('d')
    const silent = await nextSet(server)
    expect(silent.connectionId).toBe('two')
    clock.advance(15_000)
    const third = await setAfter(50, { clock }, server)
    third.open('three', 'a', 'b', 'c', 'd')
    expect(await d.nextMany(3)).toEqual(opening)
  })

  it('P62: succeeds without a start, which leads to a single new stream after 15 s', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = await setup(server)
    follow('never')
    const control = await nextSet(server)
    control.accept()
    await clock.due(15_000)
    clock.advance(15_000)
    const second = await setAfter(50, { clock }, server)
    second.open('two', 'a', 'b')
    await second.exchange.write(': so be it\n\n')
    clock.advance(600_000)
    expect(server.count()).toBe(3)
  })

  it('P62: is answered after its stream is gone, and that answer is ignored', async () => {
    await using server = await scriptedServer()
    const { follow, clock, first } = await setup(server)
    const c = follow('c')
    const control = await nextSet(server)
    first.exchange.cut()
    const second = await setAfter(125, { clock }, server)
    control.exchange.answer(404)
    second.open('two', 'a', 'b', 'c')
    expect((await c.nextMany(4)).slice(2)).toEqual(opening.slice(1))
    clock.advance(600_000)
    expect(server.count()).toBe(3)
  })

  // Found by the simulator: seed 7117.
  it('P62: is answered while a new stream is being opened, which alone gets what changed since', async () => {
    await using server = await scriptedServer()
    const { follow, clock, first } = await setup(server)
    follow('c')
    const control = await nextSet(server)
    first.reconnect()
    await clock.due(50)
    const d = follow('d')
    clock.advance(50)
    const second = await nextSet(server)
    expect(second.wanted).toContainEqual({ path: 'd' })
    control.accept()
    await control.exchange.gone
    second.open('two', 'a', 'b', 'c', 'd').events('d', 7)
    expect(await d.nextMany(4)).toEqual([...opening, event(7)])
    expect(server.count()).toBe(3)
  })

  it('P62: is then refused as a whole: only new subscriptions fail, and the others continue', async () => {
    await using server = await scriptedServer()
    const { a, b, follow, clock, first } = await setup(server)
    const c = follow('c')
    const control = await nextSet(server)
    control.exchange.answer(400)
    const second = await setAfter(50, { clock }, server)
    first.events('a', 2)
    second.exchange.answer(400, {}, '{"error":{"code":-32600,"message":"too many","data":{}}}')
    expect(await c.nextMany(2)).toEqual([
      ['connecting'],
      ['error', expect.objectContaining({ message: 'too many' })],
    ])
    first.events('b', 2)
    expect([await a.next(), await b.next()]).toEqual([event(2), event(2)])
    const without = await nextSet(server)
    expect([without.connectionId, without.wanted.map(({ path }) => path)]).toEqual([
      'one',
      ['a', 'b'],
    ])
    without.accept()
    const d = follow('d')
    const next = await nextSet(server)
    expect([next.connectionId, next.wanted.map(({ path }) => path)]).toEqual([
      'one',
      ['a', 'b', 'd'],
    ])
    next.accept()
    first.exchange.send({ event: '$started', data: JSON.stringify({ key: next.key('d') }) })
    expect(await d.nextMany(3)).toEqual(opening)
  })

  it('P62: the server allows no second stream, so the old one is closed before the new one', async () => {
    await using server = await scriptedServer()
    const { a, follow, clock, first } = await setup(server)
    follow('c')
    const control = await nextSet(server)
    control.exchange.answer(404)
    const second = await setAfter(50, { clock }, server)
    second.exchange.answer(429)
    await first.exchange.gone
    expect((await a.next())[0]).toBe('connecting')
    const third = await setAfter(125, { clock }, server)
    third.open('three', 'a', 'b', 'c')
    expect(await a.nextMany(2)).toEqual(opening.slice(1))
  })
})

describe('P63: a server without this mode', () => {
  it.each([404, 405, 415])(
    "that answers %i is used in single mode, from each subscription's position",
    async (status) => {
      await using server = await scriptedServer()
      const reported: unknown[] = []
      const { follow } = multiplexedClient(server, {
        onFallback: (fallback) => reported.push(fallback),
      })
      const a = follow('a', { room: 1, lastEventId: '7-0' })
      const gone = follow('b')
      const set = await nextSet(server)
      gone.unsubscribe()
      set.exchange.answer(status)
      const single = await server.request()
      expect([single.method, single.path, single.query.get('lastEventId')]).toEqual([
        'GET',
        '/a',
        '7-0',
      ])
      single.open().send({ data: '8', id: '8-0' })
      expect(await a.nextMany(4)).toEqual([...opening, event(8)])
      const next = follow('c')
      expect((await server.request()).path).toBe('/c')
      next.unsubscribe()
      a.unsubscribe()
      await single.gone
      expect(reported).toEqual([{ status, message: expect.stringContaining(String(status)) }])
    },
  )

  it.each([
    [404, 'or url is wrong'],
    [405, "405: it doesn't know multiplexed mode"],
  ])(
    'P63: that answers %i may be a wrong url, which is reported if possible',
    async (status, said) => {
      await using server = await scriptedServer()
      const onFallback = vi.fn<(fallback: SseFallback) => void>()
      const { follow } = multiplexedClient(server, { onFallback })
      const a = follow('a')
      const set = await nextSet(server)
      set.exchange.answer(status)
      const single = await server.request()
      expect(onFallback.mock.calls[0]?.[0].message).toContain(said)
      single.answer(404, {}, 'Cannot GET')
      const [event, error] = (await a.nextMany(2)).at(-1) ?? []
      expect(event).toBe('error')
      expect(error).toMatchObject({
        message: expect.stringContaining('Check the url and the headers of sseLink.'),
      })
    },
  )

  it('P63: is not one that names a mistake in the request', async () => {
    await using server = await scriptedServer()
    const onFallback = vi.fn<(fallback: SseFallback) => void>()
    const { follow } = multiplexedClient(server, { onFallback })
    const a = follow('a')
    const set = await nextSet(server)
    const message =
      'POST ~sse needs the header content-type: application/json (P46), and it has none.'
    set.exchange.answer(415, {}, JSON.stringify({ error: { code: -32015, message } }))
    const [event, error] = (await a.nextMany(2)).at(-1) ?? []
    expect([event, (error as Error).message]).toEqual(['error', message])
    expect([server.count(), onFallback.mock.calls]).toEqual([1, []])
  })

  it('P63: is not one that answered with a stream before', async () => {
    await using server = await scriptedServer()
    const { a, b, clock, first } = await setup(server)
    first.exchange.cut()
    const second = await setAfter(125, { clock }, server)
    second.exchange.answer(404)
    for (const one of [a, b]) expect((await one.nextMany(2)).at(-1)?.[0]).toBe('error')
    expect(server.count()).toBe(2)
  })
})
