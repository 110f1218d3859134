import { TRPCClientError } from '@trpc/client'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { opening, subscribe } from '../../../tests/support/subscribe.ts'

const shape = (code: number, name: string) => ({
  code,
  message: `because ${name}`,
  data: { code: name },
})

describe('an HTTP status', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('P35: %i is retried', async (status) => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server)
    const refused = await server.request()
    refused.answer(status)
    await nextMany(2)
    await clock.due(125)
    clock.advance(125)
    const request = await server.request()
    request.open()
    expect(await nextMany(2)).toEqual(opening.slice(1))
  })

  it.each([400, 401, 403, 404, 405, 410, 431])('P35: %i ends the subscription', async (status) => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server)
    const request = await server.request()
    request.answer(status, { 'content-type': 'text/html' }, '<h1>No</h1>')
    const [, [event, error] = []] = await nextMany(2)
    expect(event).toBe('error')
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error).toMatchObject({
      message: expect.stringContaining(`The server answered ${status}`),
      cause: { code: 'REQUEST_REFUSED', status },
    })
    expect(clock.timers()).toEqual([])
  })

  it("P35: contains tRPC's own error", async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server, { link: { transformer: superjson } })
    const request = await server.request()
    const body = { error: superjson.serialize(shape(-32004, 'NOT_FOUND')) }
    request.answer(404, { 'content-type': 'application/json' }, JSON.stringify(body))
    const [, [, error] = []] = await nextMany(2)
    expect(error).toMatchObject({ message: 'because NOT_FOUND', data: { code: 'NOT_FOUND' } })
  })

  it.each(['{"error":"unauthorized"}', '{"error":{"code":"E1"}}', '[]', 'null', ''])(
    "P35: gives as many details as possible if the body is not tRPC's: %s",
    async (body) => {
      await using server = await scriptedServer()
      const { nextMany } = subscribe(server, { link: { transformer: superjson } })
      const request = await server.request()
      request.answer(401, {}, body)
      const [, [, error] = []] = await nextMany(2)
      const said = body === '' ? '' : ` and said ${JSON.stringify(body)}`
      const message = `The server answered 401 Unauthorized${said}. Check the url and the headers of sseLink.`
      expect(error).toMatchObject({ message })
    },
  )

  it.each([
    ['7', 7_125],
    [new Date(1_000_000 + 9_000).toUTCString(), 9_125],
    ['86400', 300_125],
    ['soon', 125],
  ])('P38: waits as Retry-After says: %s', async (retryAfter, wait) => {
    await using server = await scriptedServer()
    const { clock } = subscribe(server)
    const first = await server.request()
    first.answer(429, { 'retry-after': retryAfter })
    await clock.due(wait)
    clock.advance(wait)
    const second = await server.request()
    second.answer(429)
    await clock.due(250)
  })
})

describe('an answer that is not a stream', () => {
  it('P36: is retried, and ends the subscription if it persists', async () => {
    await using server = await scriptedServer()
    const { news, nextMany, clock } = subscribe(server)
    for (const wait of [125, 250, 500, 1_000]) {
      const request = await server.request()
      request.answer(200, { 'content-type': 'text/html' }, '<h1>Log in</h1>')
      await clock.due(wait)
      clock.advance(wait)
    }
    const last = await server.request()
    last.answer(200, { 'content-type': 'text/html' })
    await nextMany(6)
    expect(news.map(([event]) => event)).toEqual([
      ...Array.from({ length: 5 }, () => 'connecting'),
      'error',
    ])
    expect(news.at(-1)?.[1]).toMatchObject({
      message: expect.stringContaining('content-type "text/html", not text/event-stream'),
      cause: { code: 'INVALID_MESSAGE', status: 200 },
    })
  })

  it('P36: never ends a subscription that had a stream before', async () => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server, { link: { connectTimeoutMs: 60_000 } })
    const first = await server.request()
    first.open().send({ data: '1' }).end()
    for (const wait of [125, 250, 500, 1_000, 2_000, 4_000, 8_000]) {
      await clock.due(wait)
      clock.advance(wait)
      const request = await server.request()
      request.answer(200, { 'content-type': 'text/html' })
    }
    await clock.due(15_000)
    clock.advance(15_000)
    const back = await server.request()
    back.open()
    expect((await nextMany(14)).slice(-2)).toEqual(opening.slice(1))
  })

  it('takes a content type with parameters', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request
      .openSilently('Text/Event-Stream; charset=utf-8')
      .send({ event: 'connected', data: '{}' })
    expect(await nextMany(3)).toEqual(opening)
  })

  it('ends the subscription if fetch returns no readable body', async () => {
    await using server = await scriptedServer()
    const response = new Response(null, { headers: { 'content-type': 'text/event-stream' } })
    const { nextMany } = subscribe(server, { link: { fetch: async () => response } })
    const [, [event, error] = []] = await nextMany(2)
    expect([event, error]).toEqual([
      'error',
      expect.objectContaining({ message: expect.stringContaining('fetch') }),
    ])
  })
})

describe('serialized-error', () => {
  it.each([
    [-32603, 'INTERNAL_SERVER_ERROR'],
    [-32603, 'SERVICE_UNAVAILABLE'],
    [-32008, 'TIMEOUT'],
    [-32029, 'TOO_MANY_REQUESTS'],
  ])('P41: is passing with code %i (%s)', async (code, name) => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server)
    const request = await server.request()
    request.open().send({ event: 'serialized-error', data: JSON.stringify(shape(code, name)) })
    expect((await nextMany(4)).at(-1)).toEqual(['connecting', `because ${name}`])
    await clock.due(125)
    clock.advance(125)
    await server.request()
  })

  it.each([
    [-32600, 'BAD_REQUEST'],
    [-32001, 'UNAUTHORIZED'],
    [-32003, 'FORBIDDEN'],
    [-32004, 'NOT_FOUND'],
    [-32099, 'CLIENT_CLOSED_REQUEST'],
  ])('P41: is final with code %i (%s)', async (code, name) => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server, { link: { transformer: superjson } })
    const request = await server.request()
    request.open().send({ event: 'serialized-error', data: superjson.stringify(shape(code, name)) })
    const [event, error] = (await nextMany(4)).at(-1) ?? []
    expect(event).toBe('error')
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error).toMatchObject({
      message: `because ${name}`,
      data: { code: name },
      shape: { code },
    })
    await request.gone
    expect(clock.timers()).toEqual([])
  })

  it.each([
    ["is not tRPC's", undefined, '"oops"'],
    [
      'has a transformer that the client has not',
      undefined,
      superjson.stringify(shape(-32603, 'x')),
    ],
    ['has another transformer than the client', superjson, '"oops"'],
    [
      'has no transformer although the client has one',
      superjson,
      JSON.stringify(shape(-32603, 'x')),
    ],
  ])('P41: is final in a form that %s, and says what to look at', async (_, transformer, data) => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server, transformer && { link: { transformer } })
    const request = await server.request()
    request.open().send({ event: 'serialized-error', data })
    const [event, error] = (await nextMany(4)).at(-1) ?? []
    expect(event).toBe('error')
    expect(error).toMatchObject({
      name: 'TRPCClientError',
      message: expect.stringContaining('Give sseLink the same transformer'),
      cause: { code: 'INVALID_MESSAGE' },
    })
  })

  it('P41: can precede connected, and then nothing looks like success', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    const data = JSON.stringify(shape(-32001, 'UNAUTHORIZED'))
    request.openSilently().send({ event: 'serialized-error', data })
    expect((await nextMany(2)).map(([event]) => event)).toEqual(['connecting', 'error'])
  })

  it('P38: that is temporary is retried no sooner than its retry allows', async () => {
    await using server = await scriptedServer()
    const { nextMany, clock } = subscribe(server)
    const request = await server.request()
    const data = JSON.stringify(shape(-32029, 'TOO_MANY_REQUESTS'))
    request.open().send({ event: 'serialized-error', data, retryMs: 20_000 }).end()
    await nextMany(4)
    await clock.due(20_125)
    clock.advance(19_999)
    expect(server.count()).toBe(1)
    clock.advance(126)
    await server.request()
  })
})
