import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createTRPCClient, TRPCClientError } from '@trpc/client'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../../../tests/support/inbox.ts'
import { type SseFallback, sseLink } from './index.ts'

const t = initTRPC.create({
  transformer: superjson,
  sse: { ping: { enabled: true, intervalMs: 1_000 } },
})

/** tRPC's own server, and a client connected to it. */
async function setup() {
  const ended = createInbox<string>()
  const router = t.router({
    // Breaks after every second event, with an error that tRPC's clients retry.
    count: t.procedure
      .input(z.object({ to: z.number(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input }) {
        const first = Number(input.lastEventId ?? 0) + 1
        for (let i = first; i <= input.to; i++) {
          if (i === first + 2) throw new Error('try again')
          yield tracked(String(i), { n: i, at: new Date(i) })
        }
      }),
    forbidden: t.procedure.subscription(async function* () {
      yield 'one'
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not for you' })
    }),
    endless: t.procedure.subscription(async function* ({ signal }) {
      try {
        yield 'one'
        if (signal) await once(signal, 'abort')
      } finally {
        ended.put('finally')
      }
    }),
  })
  const server = createHTTPServer({ router })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const reported: SseFallback[] = []
  const link = sseLink<typeof router>({
    url,
    transformer: superjson,
    onFallback: (fallback) => reported.push(fallback),
  })
  const client = createTRPCClient<typeof router>({ links: [link] })
  return {
    client,
    ended,
    reported,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('a stock tRPC server', () => {
  it('P63: is used in single mode, which is reported once', async () => {
    await using stock = await setup()
    const data = createInbox<unknown>()
    stock.client.endless.subscribe(undefined, { onData: data.put })
    stock.client.count.subscribe({ to: 2, lastEventId: '1' }, { onData: data.put })
    expect(await data.takeMany(2)).toEqual(
      expect.arrayContaining(['one', { id: '2', data: { n: 2, at: new Date(2) } }]),
    )
    stock.client.endless.subscribe(undefined, { onData: data.put })
    expect(await data.take()).toBe('one')
    expect(stock.reported).toEqual([
      { status: 404, message: expect.stringContaining('multiplexed mode') },
    ])
  })

  it('is resumed by the tracked id, without a field in the input', async () => {
    await using stock = await setup()
    const data = createInbox<unknown>()
    stock.client.count.subscribe(
      { to: 5 },
      { onData: data.put, onError: data.put, onStopped: () => data.put('stopped') },
    )
    const expected = [1, 2, 3, 4, 5].map((n) => ({ id: String(n), data: { n, at: new Date(n) } }))
    expect(await data.takeMany(6)).toEqual([...expected, 'stopped'])
  })

  it('ends a subscription with its own errors', async () => {
    await using stock = await setup()
    const news = createInbox<unknown>()
    stock.client.forbidden.subscribe(undefined, { onData: news.put, onError: news.put })
    expect(await news.take()).toBe('one')
    const error = await news.take()
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error).toMatchObject({
      message: 'not for you',
      data: { code: 'FORBIDDEN', path: 'forbidden' },
    })
  })

  it('notices that a subscription is over', async () => {
    await using stock = await setup()
    const news = createInbox<unknown>()
    const subscription = stock.client.endless.subscribe(undefined, { onData: news.put })
    expect(await news.take()).toBe('one')
    subscription.unsubscribe()
    expect(await stock.ended.take()).toBe('finally')
  })

  it('refuses an unknown path with an error of its own shape', async () => {
    await using stock = await setup()
    const news = createInbox<unknown>()
    const wrong = stock.client as unknown as { nowhere: typeof stock.client.endless }
    wrong.nowhere.subscribe(undefined, { onError: news.put })
    expect(await news.take()).toMatchObject({ data: { code: 'NOT_FOUND', httpStatus: 404 } })
  })
})
