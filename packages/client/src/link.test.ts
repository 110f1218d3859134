import { type OperationResultEnvelope, TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { follow, untypedClient } from '../../../tests/support/follow.ts'
import { createInbox } from '../../../tests/support/inbox.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { opening, subscribe } from '../../../tests/support/subscribe.ts'
import { sseLink } from './index.ts'

describe('a subscription', () => {
  it('P33: reports success only once the server has sent connected', async () => {
    await using server = await scriptedServer()
    const { next, nextMany, news } = subscribe(server)
    expect(await next()).toEqual(['connecting'])
    const request = await server.request()
    await request.openSilently().write(': hold on\n\n')
    expect(news).toEqual([['connecting']])
    request.send({ event: 'connected', data: '{}' }, { data: '"hi"' })
    expect(await nextMany(3)).toEqual([['started'], ['pending'], ['data', 'hi']])
  })

  it('P24: completes at return, and only then', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.open().send({ data: '1' }, { event: 'return', data: '' }, { data: '2' })
    expect(await nextMany(7)).toEqual([
      ...opening,
      ['data', 1],
      ['stopped'],
      ['idle'],
      ['complete'],
    ])
    await request.gone
    expect(server.count()).toBe(1)
  })

  it('sends the same envelopes as tRPC', async () => {
    await using server = await scriptedServer()
    const envelopes: OperationResultEnvelope<unknown, unknown>[] = []
    const done = createInbox<'done'>()
    const spy =
      () =>
      ({ op, next }: Parameters<ReturnType<ReturnType<typeof sseLink>>>[0]) =>
        observable<
          OperationResultEnvelope<unknown, TRPCClientError<AnyTRPCRouter>>,
          TRPCClientError<AnyTRPCRouter>
        >((observer) =>
          next(op).subscribe({
            ...observer,
            next(envelope) {
              envelopes.push(envelope)
              observer.next(envelope)
            },
            complete: () => done.put('done'),
          }),
        )
    follow(untypedClient(spy, sseLink<AnyTRPCRouter>({ url: server.url, mode: 'single' })), 'p')
    const request = await server.request()
    request
      .open()
      .send({ data: '"a"', id: '1-0' }, { data: '"b"', id: '' }, { event: 'return', data: '' })
    await done.take()
    expect(envelopes).toEqual([
      { result: { type: 'state', state: 'connecting', error: null } },
      { result: { type: 'started' } },
      { result: { type: 'state', state: 'pending', error: null } },
      { result: { id: '1-0', data: { id: '1-0', data: 'a' } } },
      { result: { data: 'b' } },
      { result: { type: 'stopped' } },
      { result: { type: 'state', state: 'idle', error: null } },
    ])
  })

  it('sends queries and mutations to the next link', async () => {
    const passed: string[] = []
    const client = untypedClient(
      sseLink<AnyTRPCRouter>({ url: 'http://127.0.0.1:1' }),
      () =>
        ({ op }) => {
          passed.push(`${op.type} ${op.path}`)
          return observable((observer) => {
            observer.next({ result: { data: op.input } })
            observer.complete()
          })
        },
    )
    expect(await client.query('a', 1)).toBe(1)
    expect(await client.mutation('b', 2)).toBe(2)
    expect(passed).toEqual(['query a', 'mutation b'])
  })

  it('reads and writes through the transformer', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server, {
      input: { since: new Date(5) },
      link: { transformer: superjson },
    })
    const request = await server.request()
    expect(request.path).toBe('/room.onMessage')
    expect(superjson.parse(request.query.get('input') ?? '')).toEqual({ since: new Date(5) })
    request.open().send({ data: superjson.stringify({ at: new Date(7) }), id: '1-0' })
    expect((await nextMany(4)).at(-1)).toEqual(['data', { id: '1-0', data: { at: new Date(7) } }])
  })

  it('uses both halves of a transformer that has two', async () => {
    await using server = await scriptedServer()
    const input = {
      serialize: (value: unknown) => ({ up: value }),
      deserialize: (value: unknown) => value,
    }
    const output = {
      serialize: (value: unknown) => value,
      deserialize: (value: unknown) => ({ down: value }),
    }
    const { nextMany } = subscribe(server, { input: 1, link: { transformer: { input, output } } })
    const request = await server.request()
    expect(request.query.get('input')).toBe('{"up":1}')
    request.open().send({ data: '2' })
    expect((await nextMany(4)).at(-1)).toEqual(['data', { down: 2 }])
  })

  it('sends no input if there is none', async () => {
    await using server = await scriptedServer()
    subscribe(server)
    const { query, method } = await server.request()
    expect([method, query.has('input'), query.has('lastEventId')]).toEqual(['GET', false, false])
  })

  it('P1: reads a stream wherever its bytes are cut', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    const text =
      'event: connected\ndata: {}\n\n\ndata: "grüße 👋"\nid: 1-0\n\n\nevent: return\ndata: \n\n\n'
    request.openSilently()
    for (const byte of new TextEncoder().encode(text)) await request.write(Uint8Array.of(byte))
    const data = ['data', { id: '1-0', data: 'grüße 👋' }] as const
    expect(await nextMany(7)).toEqual([...opening, data, ['stopped'], ['idle'], ['complete']])
  })

  it('P44: ends with an error at a payload that cannot be read', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.open().send({ data: '1' }, { data: 'not JSON' }, { data: '3' })
    const news = await nextMany(5)
    expect(news.slice(0, 4)).toEqual([...opening, ['data', 1]])
    expect(news[4]?.[1]).toBeInstanceOf(TRPCClientError)
    await request.gone
    expect(server.count()).toBe(1)
  })

  it('P44: ends with an error if the transformer cannot read a payload', async () => {
    await using server = await scriptedServer()
    const deserialize = () => {
      throw new Error('no such type')
    }
    const { nextMany } = subscribe(server, {
      link: { transformer: { serialize: (value) => value, deserialize } },
    })
    const request = await server.request()
    request.open().send({ data: '1' })
    const [, , , error] = await nextMany(4)
    expect(error).toEqual(['error', expect.objectContaining({ message: 'no such type' })])
  })

  it('ends with an error if the input cannot be serialized, and sends no request', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server, { input: 1n })
    expect(await nextMany(2)).toEqual([['connecting'], ['error', expect.any(TRPCClientError)]])
    expect(server.count()).toBe(0)
  })

  it('P16: ends with an error if a stream begins with something else', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.openSilently().send({ data: '1' })
    const message = 'The stream began with "event", not with "connected". Check the url.'
    expect(await nextMany(2)).toEqual([
      ['connecting'],
      ['error', expect.objectContaining({ message })],
    ])
  })

  it('P45: ignores unknown messages', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.open().send({ event: 'weather', data: 'fine' }, { data: '1' })
    expect((await nextMany(4)).at(-1)).toEqual(['data', 1])
  })
})

describe('two subscriptions', () => {
  it('are independent: one that fails leaves the other alone', async () => {
    await using server = await scriptedServer()
    const first = subscribe(server)
    const firstRequest = await server.request()
    const second = follow(first.client, 'room.onMessage')
    const secondRequest = await server.request()
    firstRequest
      .open()
      .send({ event: 'serialized-error', data: '{"code":-32001,"message":"no","data":{}}' })
    secondRequest.open().send({ data: '1' })
    expect((await first.nextMany(4)).at(-1)).toEqual([
      'error',
      expect.objectContaining({ message: 'no' }),
    ])
    await firstRequest.gone
    secondRequest.send({ data: '2' })
    expect((await second.nextMany(5)).slice(3)).toEqual([
      ['data', 1],
      ['data', 2],
    ])
  })
})
