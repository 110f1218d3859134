import { describe, expect, it } from 'vitest'
import {
  event,
  multiplexedClient,
  nextSet,
  type SetExchange,
} from '../../../tests/support/multiplexed.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { opening } from '../../../tests/support/subscribe.ts'

const json = { 'content-type': 'application/json' }
const error = (path: string) => ({
  code: -32001,
  message: `no ${path}`,
  data: { code: 'UNAUTHORIZED', path },
})

function tellToWait({ exchange }: SetExchange, retryAfter: string | undefined): void {
  const headers = { ...json, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }
  exchange.answer(429, headers, JSON.stringify({ error: error('~sse') }))
}

describe('a change of the set that is answered with 429', () => {
  it('P62: keeps the stream, and sends the newest set after the requested wait', async () => {
    await using server = await scriptedServer()
    const { clock, follow } = multiplexedClient(server, { lingerMs: 0 })
    const a = follow('a')
    const stream = (await nextSet(server)).open('one', 'a')
    await a.nextMany(3)
    const b = follow('b')
    const refused = await nextSet(server)
    expect(refused.connectionId).toBe('one')
    tellToWait(refused, '7')
    await clock.due(7_050)
    // Subscribed and unsubscribed during the wait, so nothing is sent for it.
    b.unsubscribe()
    const c = follow('c')
    stream.events('a', 1)
    expect(await a.next()).toEqual(event(1))
    clock.advance(7_049)
    expect(server.count()).toBe(2)
    clock.advance(1)
    const set = await nextSet(server)
    expect(set).toMatchObject({
      connectionId: 'one',
      wanted: [{ path: 'a', lastEventId: '1-0' }, { path: 'c' }],
    })
    expect(set.revision).toBeGreaterThan(refused.revision)
    set.accept()
    stream.exchange.send({ event: '$started', data: JSON.stringify({ key: set.key('c') }) })
    expect(await c.nextMany(3)).toEqual(opening)
    expect(server.count()).toBe(3)
  })

  it('P62: is sent again even if nothing has changed since, and never at once', async () => {
    await using server = await scriptedServer()
    const { clock, follow } = multiplexedClient(server)
    const a = follow('a')
    const stream = (await nextSet(server)).open('one', 'a')
    await a.nextMany(3)
    const b = follow('b')
    for (const retryAfter of ['0', 'soon', '1']) {
      tellToWait(await nextSet(server), retryAfter)
      await clock.due(1_050)
      clock.advance(1_050)
    }
    const set = await nextSet(server)
    set.accept()
    stream.exchange.send({ event: '$started', data: JSON.stringify({ key: set.key('b') }) })
    expect(await b.nextMany(3)).toEqual(opening)
  })

  it('P62: opens a new stream if it requests no wait, and forgets the wait when the stream is lost', async () => {
    await using server = await scriptedServer()
    const { clock, follow } = multiplexedClient(server)
    const a = follow('a')
    const first = (await nextSet(server)).open('one', 'a')
    await a.nextMany(3)
    follow('b')
    tellToWait(await nextSet(server), undefined)
    await clock.due(50)
    clock.advance(50)
    const second = await nextSet(server)
    expect(second.connectionId).toBeUndefined()
    second.open('two', 'a', 'b')
    first.exchange.end()
    follow('c')
    tellToWait(await nextSet(server), '60')
    await clock.due(60_050)
    second.exchange.end()
    await clock.due(125)
    clock.advance(125)
    const third = await nextSet(server)
    expect(third).toMatchObject({
      connectionId: undefined,
      wanted: [{ path: 'a' }, { path: 'b' }, { path: 'c' }],
    })
    expect(clock.timers().every((ms) => ms < 60_000)).toBe(true)
  })
})

describe('a set that is refused', () => {
  it('P50: ends each subscription with its own error', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const [a, b] = [follow('a'), follow('b')]
    const set = await nextSet(server)
    const errors = { [set.key('a')]: error('a'), [set.key('b')]: error('b') }
    set.exchange.answer(401, json, JSON.stringify({ error: error('a'), errors }))
    for (const [path, one] of [
      ['a', a],
      ['b', b],
    ] as const) {
      expect((await one.nextMany(2)).at(-1)).toEqual([
        'error',
        expect.objectContaining({ message: `no ${path}`, data: { code: 'UNAUTHORIZED', path } }),
      ])
    }
  })

  it.each<[string, { readonly errors?: unknown }]>([
    ['no errors', {}],
    ['errors that are none', { errors: 'x' }],
    ['errors of other keys', { errors: { __proto__: null, toString: 1 } }],
    ['errors that can not be read', { errors: 'all' }],
  ])('P50: ends all with the error of the request if there are %s', async (_name, more) => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const [a, b] = [follow('a'), follow('b')]
    const set = await nextSet(server)
    const keys = Object.keys(set.subscriptions)
    const errors =
      more.errors === 'all' ? Object.fromEntries(keys.map((key) => [key, 5])) : more.errors
    set.exchange.answer(
      401,
      json,
      JSON.stringify({ error: error('all'), ...(errors !== undefined && { errors }) }),
    )
    for (const one of [a, b]) {
      expect((await one.nextMany(2)).at(-1)).toEqual([
        'error',
        expect.objectContaining({ message: 'no all' }),
      ])
    }
  })
})
