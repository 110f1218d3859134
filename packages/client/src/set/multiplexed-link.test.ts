import type { SseMessage } from '@trpc-sse/protocol'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import type { News } from '../../../../tests/support/follow.ts'
import { event, multiplexedClient, nextSet } from '../../../../tests/support/multiplexed.ts'
import { scriptedServer } from '../../../../tests/support/scripted-server.ts'
import { opening } from '../../../../tests/support/subscribe.ts'

const error = (code: number, message: string) => ({ error: { code, message, data: {} } })
const fatal = error(-32001, 'who are you?')
const passing = error(-32603, 'try again')

/**
 * The messages of a subscription that starts, sends one event, and fails with a retryable error.
 */
function failing(key: string, id?: string): SseMessage[] {
  return [
    { event: '$started', data: JSON.stringify({ key }) },
    { event: key, data: '1', ...(id === undefined ? {} : { id }) },
    { event: '$error', data: JSON.stringify({ key, ...passing }) },
  ]
}

const lost: News = [
  'connecting',
  expect.stringMatching(/^The (response ended|connection .*failed)/),
]

describe('one stream for all subscriptions', () => {
  it('P64: starts of one tick travel in one request', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const a = follow('a', { room: 'x' })
    const b = follow('b')
    const c = follow('b', { lastEventId: '7-0' })
    const set = await nextSet(server)
    expect(set.wanted).toEqual([
      { path: 'a', input: { room: 'x' } },
      { path: 'b' },
      { path: 'b', lastEventId: '7-0' },
    ])
    set.open('one', 'a', 'b').events('a', 1).events('b', 2)
    expect(await a.nextMany(4)).toEqual([...opening, event(1)])
    expect(await b.nextMany(4)).toEqual([...opening, event(2)])
    expect(c.news).toEqual([['connecting']])
    expect(server.count()).toBe(1)
  })

  it('P64: equal subscriptions are one on the wire, and each gets all events', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const both = [follow('a', 1), follow('a', 1)]
    const set = await nextSet(server)
    expect(set.wanted).toEqual([{ path: 'a', input: 1 }])
    set.open('one', 'a').events('a', 1)
    for (const one of both) expect(await one.nextMany(4)).toEqual([...opening, event(1)])
    both[0]?.unsubscribe()
    set.events('a', 2)
    expect(await both[1]?.next()).toEqual(event(2))
    expect(both[0]?.news.at(-1)).toEqual(['complete'])
    expect(server.count()).toBe(1)
  })

  it('P64: starts and stops of one tick travel in one control request, and the next has the newest set', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const a = follow('a')
    const b = follow('b')
    const first = await nextSet(server)
    first.open('one', 'a', 'b')
    await Promise.all([a.nextMany(3), b.nextMany(3)])
    a.unsubscribe()
    await clock.due(250)
    clock.advance(250)
    follow('c')
    const second = await nextSet(server)
    expect([second.connectionId, second.wanted]).toEqual(['one', [{ path: 'b' }, { path: 'c' }]])
    follow('d')
    follow('e')
    expect(server.count()).toBe(2)
    second.accept()
    const third = await nextSet(server)
    expect(third.wanted.map(({ path }) => path)).toEqual(['b', 'c', 'd', 'e'])
    expect(third.revision).toBeGreaterThan(second.revision)
    expect(second.revision).toBeGreaterThan(first.revision)
    expect(third.key('c')).toBe(second.key('c'))
  })

  it('P30: evaluates url, headers and connection params before every request, for all wanted subscriptions', async () => {
    await using server = await scriptedServer()
    let asked = 0
    const { follow } = multiplexedClient(server, {
      url: async () => `${server.url}?n=${++asked}`,
      headers: ({ op, opList }) => ({ first: op.path, paths: opList.map(({ path }) => path) }),
      connectionParams: () => ({ token: `t${asked}` }),
    })
    const a = follow('a')
    follow('b')
    const set = await nextSet(server)
    const { headers, query } = set.exchange
    expect(headers).toMatchObject({ first: 'a', paths: 'a, b', accept: 'text/event-stream' })
    expect(headers['content-type']).toBe('application/json')
    expect([query.get('n'), query.get('connectionParams')]).toEqual(['1', '{"token":"t1"}'])
    set.open('one', 'a', 'b')
    await a.nextMany(3)
    follow('c')
    const control = await nextSet(server)
    expect([control.exchange.headers.paths, control.exchange.query.get('n')]).toEqual([
      'a, b, c',
      '2',
    ])
  })

  it('reads and writes through the transformer', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server, { transformer: superjson } as object)
    const a = follow('a', { since: new Date(5) })
    const set = await nextSet(server)
    expect(superjson.deserialize(set.wanted[0]?.input as never)).toEqual({ since: new Date(5) })
    const data = superjson.stringify({ at: new Date(7) })
    set.open('one', 'a').exchange.send({ event: set.key('a'), data, id: '1-0' })
    expect((await a.nextMany(4)).at(-1)).toEqual(['data', { id: '1-0', data: { at: new Date(7) } }])
  })

  it('ends with op.signal, as tRPC ends it', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const abort = new AbortController()
    const a = follow('a', undefined, { signal: abort.signal })
    const set = await nextSet(server)
    set.open('one', 'a')
    await a.nextMany(3)
    abort.abort()
    expect(await a.nextMany(3)).toEqual([['stopped'], ['idle'], ['complete']])
    clock.advance(250)
    await set.exchange.gone
  })

  it('P64: a double mount costs nothing on the wire', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    follow('a').unsubscribe()
    const mounted = follow('a')
    const set = await nextSet(server)
    expect(set.wanted).toEqual([{ path: 'a' }])
    set.open('one', 'a')
    await mounted.nextMany(3)
    mounted.unsubscribe()
    const again = follow('a')
    expect(await again.nextMany(3)).toEqual(opening)
    clock.advance(10_000)
    set.events('a', 1)
    expect(await again.next()).toEqual(event(1))
    expect(server.count()).toBe(1)
  })

  it('closes the stream when no subscription is left', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const a = follow('a')
    const set = await nextSet(server)
    set.open('one', 'a')
    await a.nextMany(3)
    a.unsubscribe()
    clock.advance(250)
    await set.exchange.gone
    expect(clock.timers()).toEqual([])
  })

  it('P65: ignores unknown control messages and keys', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const a = follow('a')
    const set = await nextSet(server)
    set.open('one', 'a')
    set.exchange.send({ event: '$weather', data: 'fine' }, { event: 'zzz', data: '1', id: '9-0' })
    set.events('a', 1)
    expect(await a.nextMany(4)).toEqual([...opening, event(1)])
  })

  it('P55: the end of the response completes nothing; every subscription continues from its position', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const a = follow('a')
    const b = follow('b')
    const first = await nextSet(server)
    first.open('one', 'a', 'b').events('a', 1).say('$position', 'b', {}, '4-0').exchange.end()
    expect(await a.nextMany(5)).toEqual([...opening, event(1), lost])
    expect(await b.nextMany(4)).toEqual([...opening, lost])
    await clock.due(125)
    clock.advance(125)
    const second = await nextSet(server)
    expect(second.connectionId).toBeUndefined()
    expect(second.wanted).toEqual([
      { path: 'a', lastEventId: '1-0' },
      { path: 'b', lastEventId: '4-0' },
    ])
    second.open('two', 'a').say('$stopped', 'a')
    expect(await a.nextMany(5)).toEqual([
      ['started'],
      ['pending'],
      ['stopped'],
      ['idle'],
      ['complete'],
    ])
    expect(b.news.length).toBe(4)
  })
})

describe('of many subscriptions', () => {
  it('one that fails, one that completes and one that never starts leave the others alone', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const [fails, completes, never, healthy] = ['fails', 'completes', 'never', 'healthy'].map(
      (path) => follow(path),
    )
    const set = await nextSet(server)
    set.open('one', 'fails', 'completes', 'healthy')
    set.say('$error', 'fails', fatal).say('$stopped', 'completes').events('healthy', 1)
    expect((await fails?.nextMany(4))?.at(-1)).toEqual([
      'error',
      expect.objectContaining({ message: 'who are you?' }),
    ])
    expect((await completes?.nextMany(6))?.at(-1)).toEqual(['complete'])
    expect(await healthy?.nextMany(4)).toEqual([...opening, event(1)])
    expect(never?.news).toEqual([['connecting']])
    expect(server.count()).toBe(1)
  })

  it('P58: one with a retryable error starts again by itself, after longer and longer waits', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const fails = follow('fails')
    const healthy = follow('healthy')
    const first = await nextSet(server)
    first.open('one', 'fails', 'healthy').events('fails', 1).say('$error', 'fails', passing)
    expect((await fails.nextMany(5)).at(-1)).toEqual(['connecting', 'try again'])
    for (const wait of [125, 250, 500]) {
      await clock.due(wait)
      clock.advance(wait)
      const without = await nextSet(server)
      // One set leaves out the ended key, so that the server starts the subscription again.
      expect(without.wanted).toEqual([{ path: 'healthy' }])
      without.accept()
      const next = await nextSet(server)
      expect(next.wanted).toEqual([{ path: 'healthy' }, { path: 'fails', lastEventId: '1-0' }])
      expect(next.key('fails')).toBe(first.key('fails'))
      next.accept()
      first.exchange.send(
        { event: '$started', data: JSON.stringify({ key: next.key('fails') }) },
        { event: '$error', data: JSON.stringify({ key: next.key('fails'), ...passing }) },
      )
      expect(await fails.nextMany(3)).toEqual([
        ['started'],
        ['pending'],
        ['connecting', 'try again'],
      ])
    }
    expect(healthy.news).toEqual(opening)
  })

  it('P66: one that fails after its first value every time is started less and less often', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const fails = follow('fails')
    const healthy = follow('healthy')
    const first = await nextSet(server)
    first.open('one', 'fails', 'healthy').exchange.send(...failing(first.key('fails')))
    await fails.nextMany(5)
    for (const wait of [125, 250, 500, 1_000, 2_000]) {
      first.events('healthy', wait)
      await clock.due(wait)
      clock.advance(wait)
      ;(await nextSet(server)).accept()
      const next = await nextSet(server)
      next.accept()
      first.exchange.send(...failing(next.key('fails')))
      await fails.nextMany(4)
    }
    expect(healthy.news.filter(([what]) => what === 'data').length).toBe(5)
  })

  it('P66: one that has made progress, or has lasted for 10 seconds, is started again soon', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const fails = follow('fails')
    const first = await nextSet(server)
    first.open('one', 'fails').exchange.send(...failing(first.key('fails')))
    await fails.nextMany(5)
    const again = async (wait: number): Promise<string> => {
      await clock.due(wait)
      clock.advance(wait)
      ;(await nextSet(server)).accept()
      const next = await nextSet(server)
      next.accept()
      return next.key('fails')
    }
    first.exchange.send(...failing(await again(125), '1-0'))
    await fails.nextMany(4)
    first.exchange.send(...failing(await again(125), '1-0'))
    await fails.nextMany(4)
    const [started = {}, ...rest] = failing(await again(250))
    first.exchange.send(started)
    await fails.nextMany(2)
    clock.advance(10_000)
    first.exchange.send(...rest)
    await fails.nextMany(2)
    await again(125)
  })

  it("P66: one with a retryable error waits at least as long as the stream's retry requests", async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const fails = follow('fails')
    const first = await nextSet(server)
    first.exchange.openSilently().send({ retryMs: 4_000 })
    first.exchange.send({ event: '$connected', data: '{"connectionId":"one"}' })
    first.exchange.send(...failing(first.key('fails')))
    await fails.nextMany(5)
    await clock.due(4_125)
  })

  it('one with a payload that cannot be read ends with an error', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const broken = follow('broken')
    const healthy = follow('healthy')
    const set = await nextSet(server)
    set
      .open('one', 'broken', 'healthy')
      .exchange.send({ event: set.key('broken'), data: 'not JSON' })
    set.events('healthy', 1)
    expect((await broken.nextMany(4)).at(-1)?.[0]).toBe('error')
    expect(await healthy.nextMany(4)).toEqual([...opening, event(1)])
    const control = await nextSet(server)
    expect(control.wanted).toEqual([{ path: 'healthy', lastEventId: '1-0' }])
  })

  it.each(['onData', 'onStarted'] as const)(
    'one whose %s throws ends, even beside an equal one',
    async (name) => {
      await using server = await scriptedServer()
      const { follow } = multiplexedClient(server)
      const fail = (): never => {
        throw new Error('bug in the app')
      }
      const broken = follow('a', 1, { [name]: fail })
      const healthy = follow('a', 1)
      const set = await nextSet(server)
      set.open('one', 'a').events('a', 1, 2)
      expect(await healthy.nextMany(5)).toEqual([...opening, event(1), event(2)])
      expect(broken.news.at(-1)).toEqual([
        'error',
        expect.objectContaining({ message: 'bug in the app' }),
      ])
      expect(broken.news.filter(([what]) => what === 'data').length).toBe(name === 'onData' ? 1 : 0)
      expect(server.count()).toBe(1)
    },
  )

  it('one gets its gap, and continues after it', async () => {
    await using server = await scriptedServer()
    const { follow, clock } = multiplexedClient(server)
    const a = follow('a')
    const set = await nextSet(server)
    set.open('one', 'a').events('a', 1)
    set.say('$gap', 'a', { lastEventId: '1-0', reason: 'trimmed' }, '8-0').exchange.end()
    const gap = { path: 'a', input: undefined, lastEventId: '1-0', reason: 'trimmed' }
    expect((await a.nextMany(6)).slice(4)).toEqual([['gap', gap], lost])
    await clock.due(125)
    clock.advance(125)
    expect((await nextSet(server)).wanted).toEqual([{ path: 'a', lastEventId: '8-0' }])
  })
})
