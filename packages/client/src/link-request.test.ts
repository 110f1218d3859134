import { createTRPCUntypedClient, retryLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { describe, expect, it, vi } from 'vitest'
import { follow, untypedClient } from '../../../tests/support/follow.ts'
import { freePort } from '../../../tests/support/redis.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { subscribe } from '../../../tests/support/subscribe.ts'
import { type Fetch, sseLink } from './index.ts'

describe("the position in a call's context", () => {
  it('takes precedence over that of the input, and is read at each start', async () => {
    await using server = await scriptedServer()
    let position = '7-0'
    const context = {
      get lastEventId() {
        return position
      },
    }
    const link = sseLink<AnyTRPCRouter>({ url: server.url, mode: 'single' })
    const client = untypedClient(retryLink({ retry: ({ attempts }) => attempts < 2 }), link)
    client.subscription('a', { room: 'x', lastEventId: '5-0' }, { context })
    const first = await server.request()
    expect(Object.fromEntries(first.query)).toEqual({ input: '{"room":"x"}', lastEventId: '7-0' })
    position = '8-0'
    first.answer(403)
    expect((await server.request()).query.get('lastEventId')).toBe('8-0')
  })
})

describe('headers, url and connection params', () => {
  it('P30: are evaluated before every attempt', async () => {
    await using server = await scriptedServer()
    let attempt = 0
    const { clock } = subscribe(server, {
      link: {
        url: async () => `${server.url}/v${++attempt}`,
        headers: ({ op }) => ({ authorization: `Bearer ${attempt}`, 'x-path': op.path }),
        connectionParams: async () => ({ attempt: String(attempt) }),
      },
    })
    for (const n of [1, 2, 3]) {
      const request = await server.request()
      expect(request.path).toBe(`/v${n}/room.onMessage`)
      expect(request.headers).toMatchObject({
        authorization: `Bearer ${n}`,
        'x-path': 'room.onMessage',
      })
      expect(request.query.get('connectionParams')).toBe(`{"attempt":"${n}"}`)
      request
        .open()
        .send({ data: '1', id: `${n}-0` })
        .end()
      if (n < 3) await clock.due(125)
      clock.advance(125)
    }
  })

  it('that fail are retried', async () => {
    await using server = await scriptedServer()
    const headers = vi.fn(async () => ({})).mockRejectedValueOnce(new Error('no token yet'))
    const { nextMany, clock } = subscribe(server, { link: { headers } })
    const [, [state, message] = []] = await nextMany(2)
    expect(state).toBe('connecting')
    expect(message).toContain('The connection failed')
    await clock.due(125)
    clock.advance(125)
    await server.request()
  })

  it("reach a fetch of the app's as a plain object, as those of httpBatchLink do", async () => {
    await using server = await scriptedServer()
    const send: Fetch = (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, 'x-trace': '1' } as never })
    for (const mode of ['single', 'multiplexed'] as const) {
      const headers = { authorization: 'Bearer x', 'X-Many': ['a', 'b'] }
      const link = sseLink<AnyTRPCRouter>({ url: server.url, mode, headers, fetch: send })
      const { unsubscribe } = follow(untypedClient(link), 'p')
      const request = await server.request()
      expect(request.headers).toMatchObject({
        accept: 'text/event-stream',
        authorization: 'Bearer x',
        'x-many': 'a, b',
        'x-trace': '1',
        ...(mode === 'multiplexed' && { 'content-type': 'application/json' }),
      })
      unsubscribe()
    }
  })

  it.each([
    ['', '?token=secret', ' (ECONNREFUSED)'],
    ['me:secret@', '#secret', ''],
  ])(
    'are named with what failed, but for what is secret: %sHOST/trpc%s',
    async (user, rest, code) => {
      const host = `127.0.0.1:${await freePort()}`
      const url = `http://${user}${host}/trpc${rest}`
      const link = sseLink<AnyTRPCRouter>({
        url,
        mode: 'single',
        connectionParams: { key: 'secret' },
      })
      const { nextMany, unsubscribe } = follow(untypedClient(link), 'p')
      const message = String((await nextMany(2))[1]?.[1])
      expect(message).toContain(`The connection to http://${host}/trpc/p failed${code}.`)
      expect(message).not.toContain('secret')
      unsubscribe()
    },
  )

  it('end the subscription if the address is invalid', async () => {
    const client = untypedClient(sseLink<AnyTRPCRouter>({ url: 'trpc.example' }))
    const [, [event, error] = []] = await follow(client, 'p').nextMany(2)
    expect(event).toBe('error')
    expect(error).toMatchObject({ cause: { code: 'INVALID_OPTION' } })
  })
})

describe('retryLink', () => {
  it("P31: continues from the subscription's position, whatever its input", async () => {
    await using server = await scriptedServer()
    const client = createTRPCUntypedClient<AnyTRPCRouter>({
      links: [
        retryLink({ retry: ({ attempts }) => attempts < 2 }),
        sseLink<AnyTRPCRouter>({ url: server.url, mode: 'single' }),
      ],
    })
    const { nextMany } = follow(client, 'p')
    const first = await server.request()
    first.open().send({ data: '1', id: '1-0' }, { event: 'serialized-error', data: unauthorized })
    const second = await server.request()
    expect([second.query.get('input'), second.query.get('lastEventId')]).toEqual([null, '1-0'])
    second.open().send({ data: '2', id: '2-0' })
    const data = (await nextMany(8)).filter(([event]) => event === 'data')
    expect(data.map(([, value]) => value)).toEqual([
      { id: '1-0', data: 1 },
      { id: '2-0', data: 2 },
    ])
  })
})

const unauthorized = '{"code":-32001,"message":"who are you?","data":{"code":"UNAUTHORIZED"}}'
