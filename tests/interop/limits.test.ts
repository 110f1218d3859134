import { once } from 'node:events'
import { createTRPCClient, httpSubscriptionLink, TRPCClientError } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { manualClock } from '../support/manual-clock.ts'
import { serveRouter } from '../support/router-server.ts'

const t = initTRPC.create()

const router = t.router({
  stays: t.procedure.subscription(async function* ({ signal }) {
    yield 'in'
    if (signal) await once(new EventTarget(), 'never', { signal })
  }),
})

const serve = () => serveRouter(router, { clock: manualClock(), limits: { connectionsPerKey: 1 } })

describe('P27: a client that is refused', () => {
  it('of tRPC gets an error that it understands', async () => {
    await using server = await serve()
    using _first = await openRaw(`${server.url}/stays`)
    const client = createTRPCClient<typeof router>({
      links: [httpSubscriptionLink({ url: server.url, EventSource })],
    })
    const errors = createInbox<unknown>()
    client.stays.subscribe(undefined, { onError: errors.put })
    const error = await errors.take()
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error).toMatchObject({
      data: { code: 'TOO_MANY_REQUESTS', httpStatus: 429, path: 'stays' },
    })
  })

  it.each(['multiplexed', 'single'] as const)(
    'P38: of ours, %s, retries after the requested wait',
    async (mode) => {
      await using server = await serve()
      const closed = once(server.server, 'connection').then(([socket]) => once(socket, 'close'))
      const first = await openRaw(`${server.url}/stays`)
      await first.next()
      const clock = manualClock()
      const client = createTRPCClient<typeof router>({
        links: [sseLink({ url: server.url, clock, mode })],
      })
      const news = createInbox<unknown>()
      const subscription = client.stays.subscribe(undefined, {
        onStarted: () => news.put('started'),
        onData: news.put,
        onError: news.put,
        onConnectionStateChange: ({ state, error }) => news.put([state, error?.data?.code]),
      })
      expect(await news.takeMany(2)).toEqual([
        ['connecting', undefined],
        ['connecting', 'TOO_MANY_REQUESTS'],
      ])
      first.leave()
      await closed
      // The wait that the server requested, and half of the first backoff.
      await clock.due(5_000 + 125)
      clock.advance(5_000 + 125)
      expect(await news.takeMany(3)).toEqual(['started', ['pending', undefined], 'in'])
      subscription.unsubscribe()
    },
  )
})
