import type { SseMessage } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { opening, requestAfter, subscribe } from '../../../tests/support/subscribe.ts'

const messages: Readonly<Record<string, SseMessage>> = {
  ping: { event: 'ping', data: '' },
  untracked: { data: '1' },
}

describe('a lost stream', () => {
  it('P34: is resumed after the last event, whether it was cut or ended regularly', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server, { input: { room: 'lobby' } })
    const first = await server.request()
    expect(first.query.has('lastEventId')).toBe(false)
    first.open().send({ data: '1', id: '1-0' }, { data: '2', id: '2-0' })
    await subscribed.nextMany(5)
    first.cut()
    const second = await requestAfter(125, subscribed, server)
    expect(second.query.get('lastEventId')).toBe('2-0')
    second.open().send({ data: '3', id: '3-0' }).end()
    const third = await requestAfter(125, subscribed, server)
    expect(third.query.get('lastEventId')).toBe('3-0')
    expect(third.query.get('input')).toBe('{"room":"lobby"}')
    third.open().send({ event: 'return', data: '' })
    const lost = ['connecting', expect.stringMatching(/^The (response ended|connection .*failed)/)]
    expect(await subscribed.nextMany(10)).toEqual([
      lost,
      ...opening.slice(1),
      ['data', { id: '3-0', data: 3 }],
      lost,
      ...opening.slice(1),
      ['stopped'],
      ['idle'],
      ['complete'],
    ])
  })

  it('P31: is resumed at first from the id in the input, and then only from later ones', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server, { input: { room: 'lobby', lastEventId: '7-0' } })
    const first = await server.request()
    expect([first.query.get('input'), first.query.get('lastEventId')]).toEqual([
      '{"room":"lobby"}',
      '7-0',
    ])
    first.open().send({ data: '8', id: '8-0' }).end()
    const second = await requestAfter(125, subscribed, server)
    expect([second.query.get('input'), second.query.get('lastEventId')]).toEqual([
      '{"room":"lobby"}',
      '8-0',
    ])
  })

  it('P32: is resumed from the last id of any message', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const ids = [
      { event: 'restore-id', data: '', id: '1-0' },
      { event: 'ping', data: '', id: '2-0' },
    ]
    const gap = { event: 'gap', data: '{"lastEventId":"2-0","reason":"trimmed"}', id: '9-0' }
    for (const message of [...ids, gap, { event: 'later', data: '', id: '10-0' }]) {
      const request = await server.request()
      request.open().send(message, { event: 'ping', data: '' }).end()
      await subscribed.clock.due(125)
      subscribed.clock.advance(125)
      const next = await server.request()
      expect(next.query.get('lastEventId')).toBe(message.id)
      next.answer(503)
      await subscribed.clock.due(250)
      subscribed.clock.advance(250)
    }
  })

  it.each(['a b&c=d#e', 'grüße 👋', '0', 'x'.repeat(2_000)])(
    'P9: sends %j back unchanged',
    async (id) => {
      await using server = await scriptedServer()
      const subscribed = subscribe(server)
      const first = await server.request()
      first.open().send({ data: '1', id }).end()
      const second = await requestAfter(125, subscribed, server)
      expect(second.query.get('lastEventId')).toBe(id)
    },
  )

  it('P32: keeps its position over untracked events', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const first = await server.request()
    first
      .open()
      .send({ data: '1', id: '1-0' }, { data: '"empty id"', id: '' }, { data: '"no id"' })
      .end()
    expect((await subscribed.nextMany(6)).slice(3)).toEqual([
      ['data', { id: '1-0', data: 1 }],
      ['data', 'empty id'],
      ['data', 'no id'],
    ])
    const second = await requestAfter(125, subscribed, server)
    expect(second.query.get('lastEventId')).toBe('1-0')
  })

  it('P37: is retried after longer and longer waits, until its position moves', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const answers = [
      'refused',
      'empty',
      'ping',
      'untracked',
      '1-0',
      'refused',
      '1-0',
      '2-0',
    ] as const
    const waits = [125, 250, 500, 1_000, 125, 250, 500, 125]
    for (const [index, answer] of answers.entries()) {
      const request = await server.request()
      if (answer === 'refused') request.answer(502)
      else if (answer === 'empty') request.open().end()
      else
        request
          .open()
          .send(messages[answer] ?? { data: '1', id: answer })
          .end()
      const wait = waits[index] ?? 0
      await subscribed.clock.due(wait)
      subscribed.clock.advance(wait)
    }
  })

  it('P37: is retried soon if it has lasted for 10 seconds', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    let request = await server.request()
    for (const [lastedMs, wait] of [
      [9_999, 125],
      [9_999, 250],
      [10_000, 125],
    ] as const) {
      request.open()
      await subscribed.nextMany(3)
      subscribed.clock.advance(lastedMs)
      request.end()
      request = await requestAfter(wait, subscribed, server)
    }
  })

  it('P37: backs off from a procedure that fails after its first value, but not for a handover', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const error = { event: 'serialized-error', data: '{"code":-32603,"message":"bug"}' }
    for (const wait of [125, 250, 500, 1_000]) {
      const request = await server.request()
      request.open().send({ data: '1' }, error).end()
      await subscribed.clock.due(wait)
      subscribed.clock.advance(wait)
    }
    const drained = await server.request()
    drained.open().send({ data: '1' }, { event: 'reconnect', data: '{"reason":"drain"}' })
    const next = await requestAfter(50, subscribed, server)
    next.open().send({ data: '1' }, error).end()
    await requestAfter(125, subscribed, server)
  })

  it('takes its waits from the retry option', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server, { link: { retry: { baseMs: 1_000, maxMs: 1_500 } } })
    for (const wait of [500, 750, 750]) {
      const request = await server.request()
      request.answer(500)
      await subscribed.clock.due(wait)
      subscribed.clock.advance(wait)
    }
  })

  it('P38: waits as long as retry requests, until the next stream requests another wait', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const first = await server.request()
    first.open().send({ retryMs: 4_000 }, { data: '1' }).end()
    const second = await requestAfter(4_125, subscribed, server)
    second.cut()
    const third = await requestAfter(4_250, subscribed, server)
    third.open().send({ data: '1' }).end()
    await requestAfter(500, subscribed, server)
  })

  it('P35: reports the reason in the connection state', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.answer(502, {}, '<h1>Bad gateway</h1>')
    const message = 'The server answered 502 Bad Gateway and said "<h1>Bad gateway</h1>".'
    expect(await nextMany(2)).toEqual([['connecting'], ['connecting', message]])
  })

  it('P34: is retried if no server listens', async () => {
    const server = await scriptedServer()
    await server[Symbol.asyncDispose]()
    const { nextMany, clock, unsubscribe } = subscribe(server)
    await nextMany(2)
    await clock.due(125)
    clock.advance(125)
    await nextMany(1)
    unsubscribe()
  })
})

describe('reconnect', () => {
  it('P42: opens a new stream at once, without an error, and nothing is lost or repeated', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const first = await server.request()
    first
      .open()
      .send(
        { data: '1', id: '1-0' },
        { event: 'reconnect', data: '{"reason":"drain"}', retryMs: 9_000 },
      )
      .send({ data: '2', id: '2-0' })
    const second = await requestAfter(50, subscribed, server)
    expect(second.query.get('lastEventId')).toBe('2-0')
    first.send({ data: '3', id: '3-0' })
    second.open().send({ data: '3', id: '3-0' }, { data: '4', id: '4-0' })
    await first.gone
    const data = [1, 2, 3, 4].map((n) => ['data', { id: `${n}-0`, data: n }])
    expect(await subscribed.nextMany(7)).toEqual([...opening, ...data])
  })

  it('P42: continues with the old stream if no new one can be opened, as long as the old one lives', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const first = await server.request()
    first.open().send({ data: '1', id: '1-0' }, { event: 'reconnect', data: '{"reason":"drain"}' })
    const second = await requestAfter(50, subscribed, server)
    first.send({ data: '2', id: '2-0' })
    second.answer(503)
    expect((await subscribed.nextMany(5)).at(-1)).toEqual(['data', { id: '2-0', data: 2 }])
    const third = await requestAfter(125, subscribed, server)
    expect(third.query.get('lastEventId')).toBe('2-0')
    third.answer(401)
    first.send({ data: '3', id: '3-0' }).end()
    expect(await subscribed.next()).toEqual(['data', { id: '3-0', data: 3 }])
    expect(await subscribed.next()).toEqual(['connecting', expect.stringContaining('401')])
    const fourth = await requestAfter(250, subscribed, server)
    expect(fourth.query.get('lastEventId')).toBe('3-0')
    fourth.open()
    expect(await subscribed.nextMany(2)).toEqual(opening.slice(1))
  })

  it('P42: backs off when asked again and again before anything worked', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    for (const wait of [125, 250, 500]) {
      const request = await server.request()
      request.open().send({ event: 'reconnect', data: '{"reason":"drain"}' })
      await subscribed.clock.due(wait)
      subscribed.clock.advance(wait)
    }
  })
})
