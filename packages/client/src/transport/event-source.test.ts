import { setImmediate } from 'node:timers/promises'
import type { AnyTRPCRouter } from '@trpc/server'
import { describe, expect, it, vi } from 'vitest'
import { type FollowOptions, follow, untypedClient } from '../../../../tests/support/follow.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { range } from '../../../../tests/support/numbers.ts'
import {
  type ScriptedSource,
  scriptedEventSource,
} from '../../../../tests/support/scripted-event-source.ts'
import { opening } from '../../../../tests/support/subscribe.ts'
import { type SseLinkOptions, sseLink } from '../index.ts'

type LinkOptions = Partial<SseLinkOptions<AnyTRPCRouter>>

/** A subscription over EventSources that the test controls. */
function setup(link: LinkOptions = {}, input?: unknown, options?: FollowOptions) {
  const clock = manualClock()
  const { EventSource, ...script } = scriptedEventSource()
  const fetch = vi.fn<typeof globalThis.fetch>()
  const client = untypedClient(
    sseLink<AnyTRPCRouter>({ url: 'http://test/trpc', clock, fetch, EventSource, ...link }),
  )
  return {
    ...script,
    ...follow(client, 'room.onMessage', input, options),
    clock,
    fetch,
    /** Lets the wait of exactly `ms` pass, and returns the EventSource that is then opened. */
    async sourceAfter(ms: number): Promise<ScriptedSource> {
      await clock.due(ms)
      const before = script.made.length
      clock.advance(ms)
      const source = await script.source()
      expect(script.made.length).toBe(before + 1)
      return source
    },
  }
}

describe('an EventSource', () => {
  it('sends the request of single mode, and gets headers among its options', async () => {
    const { source, fetch } = setup(
      { headers: { authorization: 'Bearer x' }, eventSourceOptions: { withCredentials: true } },
      { room: 'a', lastEventId: '5-0' },
    )
    const { url, options } = await source()
    expect([url.pathname, Object.fromEntries(url.searchParams)]).toEqual([
      '/trpc/room.onMessage',
      { input: '{"room":"a"}', lastEventId: '5-0' },
    ])
    expect(options).toEqual({ withCredentials: true, headers: { authorization: 'Bearer x' } })
    expect(fetch).not.toHaveBeenCalled()
  })

  it('passes on everything that single mode has', async () => {
    const { source, next, nextMany } = setup()
    const stream = (await source()).open()
    stream.message('message', '1', '1-0').message('message', '"untracked"', '')
    stream.message('restore-id', '', '1-0').message('message', '2', '2-0')
    stream.message('gap', '{"lastEventId":"2-0","reason":"trimmed"}').message('return')
    expect(await nextMany(9)).toEqual([
      ...opening,
      ['data', { id: '1-0', data: 1 }],
      ['data', 'untracked'],
      ['data', { id: '2-0', data: 2 }],
      ['gap', { path: 'room.onMessage', input: undefined, lastEventId: '2-0', reason: 'trimmed' }],
      ['stopped'],
      ['idle'],
    ])
    expect(await next()).toEqual(['complete'])
    expect(stream.isClosed()).toBe(true)
  })

  it('ends the subscription with an error of the procedure', async () => {
    const { source, nextMany } = setup()
    const stream = (await source()).open()
    const data = { code: -32001, message: 'who are you?', data: { code: 'UNAUTHORIZED' } }
    stream.message('serialized-error', JSON.stringify(data))
    const [, , , error] = await nextMany(4)
    expect(error).toEqual(['error', expect.objectContaining({ message: 'who are you?' })])
    expect(stream.isClosed()).toBe(true)
  })

  it('is closed after the last subscriber', async () => {
    const { source, unsubscribe, clock } = setup()
    const stream = (await source()).open()
    unsubscribe()
    expect(stream.isClosed()).toBe(true)
    expect(clock.timers()).toEqual([])
  })

  it('is not left open after the last subscriber, even if it is just being created', async () => {
    for (const turns of range(0, 40)) {
      const asked = createInbox<true>()
      const { made, unsubscribe } = setup({
        headers() {
          asked.put(true)
          return {}
        },
      })
      await asked.take()
      for (const _ of range(1, turns)) await undefined
      unsubscribe()
      await setImmediate()
      expect([turns, made.map((source) => source.isClosed())]).toEqual([
        turns,
        made.map(() => true),
      ])
    }
  })

  it('that cannot be created ends the subscription', async () => {
    const { nextMany } = setup({
      EventSource: class {
        constructor(url: string) {
          throw new SyntaxError(`${url} is no address`)
        }
        addEventListener(): void {}
        close(): void {}
      },
    })
    const [, [event, error] = []] = await nextMany(2)
    expect([event, error]).toEqual([
      'error',
      expect.objectContaining({
        message: expect.stringContaining('is no address. Check url'),
        cause: expect.objectContaining({ code: 'INVALID_OPTION', cause: expect.any(SyntaxError) }),
      }),
    ])
  })
})

describe('an EventSource that fails', () => {
  it('is closed, and another is opened after our own wait, from the last event and with fresh headers', async () => {
    let attempt = 0
    const { source, sourceAfter, nextMany } = setup({
      headers: () => ({ 'x-attempt': `${++attempt}` }),
    })
    const first = (await source()).open().message('message', '1', '1-0')
    first.dispatch('error', { xhrStatus: 0, message: 'all that has arrived' })
    expect(first.isClosed()).toBe(true)
    const second = await sourceAfter(125)
    expect([second.url.searchParams.get('lastEventId'), second.options]).toEqual([
      '1-0',
      { headers: { 'x-attempt': '2' } },
    ])
    second.open().message('message', '2', '2-0')
    const news = await nextMany(8)
    expect(news[4]).toEqual(['connecting', expect.stringContaining('The connection to')])
    expect(news.slice(5)).toEqual([['started'], ['pending'], ['data', { id: '2-0', data: 2 }]])
  })

  it.each([
    [
      { xhrStatus: 0, message: 'all that has arrived' },
      'The EventSource failed, and does not say why.',
    ],
    [{ code: undefined, message: 'connection refused' }, 'connection refused'],
  ])('with %j is lost as any connection is, because of that', async (fields, message) => {
    const onConnectionStateChange = vi.fn()
    const { source, sourceAfter } = setup({}, undefined, { onConnectionStateChange })
    ;(await source()).open().dispatch('error', fields)
    await sourceAfter(125)
    const { error } = onConnectionStateChange.mock.lastCall?.[0] ?? {}
    expect(error.cause).toMatchObject({ code: 'CONNECTION_LOST', cause: { message } })
  })

  it('is over: its later events are ignored', async () => {
    const { source, unsubscribe, news } = setup()
    const stream = (await source()).open().message('message', '1', '1-0')
    // The body of the second answer is still being read when the subscription ends.
    stream
      .dispatch('error', { code: 503 })
      .message('message', '2', '2-0')
      .dispatch('error', { code: 503 })
    unsubscribe()
    await setImmediate()
    expect(news.filter(([event]) => event === 'data')).toEqual([['data', { id: '1-0', data: 1 }]])
  })

  it('and reconnects by itself, as some do when the response ends, is closed, too', async () => {
    const { source, sourceAfter } = setup()
    const first = (await source()).open().message('message', '1', '1-0').dispatch('open')
    expect(first.isClosed()).toBe(true)
    expect((await sourceAfter(125)).url.searchParams.get('lastEventId')).toBe('1-0')
  })

  it.each([{ xhrStatus: 401 }, { code: 401 }])('with %j ends the subscription', async (status) => {
    const { source, nextMany } = setup()
    const error = { code: -32001, message: 'who are you?', data: { code: 'UNAUTHORIZED' } }
    ;(await source()).dispatch('error', { ...status, message: JSON.stringify({ error }) })
    const [, news] = await nextMany(2)
    expect(news).toEqual(['error', expect.objectContaining({ message: 'who are you?' })])
  })

  it.each([{ xhrStatus: 503 }, { code: 429 }, { xhrStatus: 0 }, { code: 200 }, { code: 999 }])(
    'with %j is retried',
    async (status) => {
      const { source, sourceAfter } = setup()
      ;(await source()).dispatch('error', status)
      await sourceAfter(125)
    },
  )

  it('by silence is closed, and pings count as activity', async () => {
    const { source, clock, sourceAfter } = setup()
    const stream = (await source()).open({ reconnectAfterInactivityMs: 3_000 })
    await clock.due(3_000)
    clock.advance(2_900)
    stream.message('ping')
    clock.advance(2_900)
    expect(stream.isClosed()).toBe(false)
    clock.advance(100)
    expect(stream.isClosed()).toBe(true)
    await sourceAfter(125)
  })

  it('to open in time is closed', async () => {
    const { source, clock } = setup({ connectTimeoutMs: 1_000 })
    const stream = await source()
    await clock.due(1_000)
    clock.advance(1_000)
    expect(stream.isClosed()).toBe(true)
  })
})

describe('a stream that is asked for a handover', () => {
  it('continues until the next EventSource has started, and nothing is missed or repeated', async () => {
    const { source, sourceAfter, nextMany } = setup()
    const first = (await source()).open().message('message', '1', '1-0').message('reconnect', '{}')
    const second = await sourceAfter(50)
    expect(first.isClosed()).toBe(false)
    first.message('message', '2', '2-0')
    second.open()
    expect(first.isClosed()).toBe(true)
    second.message('message', '2', '2-0').message('message', '3', '3-0')
    expect(await nextMany(6)).toEqual([
      ...opening,
      ['data', { id: '1-0', data: 1 }],
      ['data', { id: '2-0', data: 2 }],
      ['data', { id: '3-0', data: 3 }],
    ])
  })

  it('is not moved back to an older position by a ping', async () => {
    const { source, sourceAfter } = setup()
    const first = (await source()).open().message('ping').message('reconnect', '{}')
    const second = await sourceAfter(50)
    first.message('message', '1', '1-0').message('message', '2', '2-0')
    // Events that the first one has already sent. Browsers add the last known position to every
    // message.
    second
      .open()
      .message('message', '1', '1-0')
      .message('ping')
      .message('message', '2', '2-0')
      .dispatch('error')
    expect((await sourceAfter(125)).url.searchParams.get('lastEventId')).toBe('2-0')
  })
})

describe('options', () => {
  it.each([{ EventSource: 'EventSource' }, { EventSource: null }])('refuse %j', (options) => {
    expect(() => setup(options as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`EventSource is ${options.EventSource}, mode is`),
      }),
    )
  })

  it('refuse multiplexed mode, which needs a POST', () => {
    expect(() => setup({ mode: 'multiplexed' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('mode is multiplexed'),
      }),
    )
    expect(() => setup({ mode: 'single' })).not.toThrow()
  })
})
