import { createTRPCUntypedClient, httpSubscriptionLink, type TRPCLink } from '@trpc/client'
import { type AnyTRPCRouter, initTRPC, tracked } from '@trpc/server'
import { createHTTPServer as createStockServer } from '@trpc/server/adapters/standalone'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen, openRaw, subscriptionUrl } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

const snapshot = { type: 'snapshot', data: 5 }

/** Subscriptions whose first value looks like a snapshot, but only some of them are live. */
function setup() {
  const log = channel({ event: z.any(), retain: { events: 5 } })
  const channels = createChannels({ channels: { log, other: log } })
  const t = initTRPC.create()
  const router = t.router({
    plain: t.procedure.subscription((opts) => channels.log().subscribe({ ...opts, replay: 1 })),
    filtered: t.procedure.subscription((opts) =>
      channels
        .log()
        .subscribe({ ...opts, replay: 1 })
        .filter(() => true),
    ),
    merged: t.procedure.subscription((opts) =>
      merge([channels.log().subscribe({ ...opts, replay: 1 }), channels.other().subscribe()]),
    ),
    mapped: t.procedure.subscription((opts) =>
      channels
        .log()
        .subscribe({ ...opts, replay: 1 })
        .map((event: unknown) => event),
    ),
    live: t.procedure.subscription((opts) => channels.log().live(opts, () => 5)),
    filteredLive: t.procedure.subscription((opts) =>
      channels
        .log()
        .live(opts, () => 5)
        .filter(() => true),
    ),
    generator: t.procedure.subscription(async function* () {
      yield tracked('1', snapshot)
    }),
  })
  return { channels, router }
}

const expected: Readonly<Record<string, boolean | undefined>> = {
  plain: false,
  filtered: false,
  merged: false,
  live: true,
  filteredLive: true,
  mapped: undefined,
  generator: undefined,
}

/** Returns the argument of a client's `onStarted`, and the first value. */
async function firstOf(link: TRPCLink<AnyTRPCRouter>, path: string) {
  const news = createInbox<readonly [string, unknown]>()
  const client = createTRPCUntypedClient({ links: [link] })
  const subscription = client.subscription(path, undefined, {
    onStarted: ({ context }) => news.put(['started', context?.live]),
    onData: (value) => news.put(['data', value]),
    onError: (error) => news.put(['error', error]),
  })
  const both = await news.takeMany(2)
  subscription.unsubscribe()
  return both
}

describe('a server with snapshots, and events that look like one', () => {
  const links: Record<string, (url: string) => TRPCLink<AnyTRPCRouter>> = {
    sseLink: (url) => sseLink({ url }),
    'sseLink in single mode': (url) => sseLink({ url, mode: 'single' }),
    'sseLink on an EventSource': (url) => sseLink({ url, EventSource } as never),
  }

  describe.each(Object.entries(links))('%s', (_, link) => {
    it.each(Object.entries(expected))(
      'P15, P51: learns whether the values of %s are live: %s',
      async (path, live) => {
        const { channels, router } = setup()
        await channels.log().publish(snapshot)
        await using server = await listen(createHTTPServer({ router, channels }))
        const data = { id: expect.any(String), data: snapshot }
        expect(await firstOf(link(server.url), path)).toEqual([
          ['started', live],
          ['data', data],
        ])
        await channels.close()
      },
    )

    it("learns nothing from tRPC's own server", async () => {
      const { channels, router } = setup()
      await using server = await listen(createStockServer({ router }) as never)
      expect(await firstOf(link(server.url), 'live')).toEqual([
        ['started', undefined],
        ['data', { id: expect.any(String), data: snapshot }],
      ])
      await channels.close()
    })
  })

  it("tRPC's own link ignores the mark", async () => {
    const { channels, router } = setup()
    await using server = await listen(createHTTPServer({ router, channels }))
    const link = httpSubscriptionLink({
      url: server.url,
      EventSource,
    } as never) as TRPCLink<AnyTRPCRouter>
    expect(await firstOf(link, 'live')).toEqual([
      ['started', undefined],
      ['data', { id: expect.any(String), data: snapshot }],
    ])
    await channels.close()
  })

  it('P51: is sent with every start of one of many subscriptions', async () => {
    const { channels, router } = setup()
    await using server = await listen(createHTTPServer({ router, channels }))
    const subscriptions = Object.fromEntries(Object.keys(expected).map((path) => [path, { path }]))
    using stream = await openRaw(`${server.url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
    })
    const said: Record<string, boolean | undefined> = {}
    while (Object.keys(said).length < Object.keys(expected).length) {
      const { event, data } = await stream.next()
      if (event === '$started') said[JSON.parse(data).key] = JSON.parse(data).live
    }
    expect(said).toEqual(expected)
    using single = await openRaw(subscriptionUrl(server.url, 'generator'))
    expect(JSON.parse((await single.next()).data)).not.toHaveProperty('live')
    await channels.close()
  })
})
