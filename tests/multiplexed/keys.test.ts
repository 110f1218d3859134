import { createTRPCClient } from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { type Fetch, sseLink } from '@trpc-sse/client'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

/** A server that records its clients' sets, with the path of each key, and clients. */
async function setup() {
  const channels = createChannels({
    channels: { texts: channel({ params: z.object({ room: z.string() }), event: z.string() }) },
  })
  const t = initTRPC.create()
  let failures = 1
  const router = t.router({
    onText: t.procedure
      .input(z.object({ room: z.string() }))
      .subscription((opts) => channels.texts(opts.input).subscribe(opts)),
    onceBroken: t.procedure.subscription((opts) => {
      if (failures-- > 0) throw new TRPCError({ code: 'SERVICE_UNAVAILABLE' })
      return channels.texts({ room: 'a' }).subscribe(opts)
    }),
  })
  const app = await listen(createHTTPServer({ router, channels }))
  function open() {
    const sets: string[][] = []
    const keys = new Map<string, Set<string>>()
    const send: Fetch = (url, init) => {
      const subscriptions = JSON.parse(String(init.body)).subscriptions as Record<
        string,
        { path: string; input?: { room: string } }
      >
      sets.push(Object.keys(subscriptions))
      for (const [key, { path, input }] of Object.entries(subscriptions)) {
        const name = input?.room ?? path
        keys.set(name, (keys.get(name) ?? new Set()).add(key))
      }
      return fetch(url, init)
    }
    const link = sseLink<typeof router>({
      url: app.url,
      fetch: send,
      lingerMs: 1,
      retry: { baseMs: 1 },
    })
    const client = createTRPCClient<typeof router>({ links: [link] })
    const news = createInbox<string>()
    const onData = ({ data }: { readonly data: string }): void => news.put(data)
    const onStarted = (): void => news.put('started')
    return {
      keys,
      sets,
      news,
      follow: (room: string) => client.onText.subscribe({ room }, { onData, onStarted }),
      followBroken: () => client.onceBroken.subscribe(undefined, { onData, onStarted }),
    }
  }
  return {
    open,
    publish: (room: string, text: string) => channels.texts({ room }).publish(text),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await channels.close()
    },
  }
}

describe('P47: the key of a subscription', () => {
  it('is the same each time it is added to a stream, and for every client', async () => {
    await using s = await setup()
    const one = s.open()
    one.follow('stays')
    expect(await one.news.take()).toBe('started')
    for (let n = 0; n < 20; n++) {
      const again = one.follow('a')
      expect(await one.news.take()).toBe('started')
      await s.publish('a', `${n}`)
      expect(await one.news.take()).toBe(`${n}`)
      // Some events are in transit when it is unsubscribed.
      void s.publish('a', 'late')
      again.unsubscribe()
      await expect.poll(() => one.sets.at(-1)?.length).toBe(1)
    }
    const other = s.open()
    other.follow('a')
    expect(await other.news.take()).toBe('started')
    expect([...(one.keys.get('a') ?? [])]).toEqual([...(other.keys.get('a') ?? [])])
    expect(one.news.items.filter((text) => text === 'started').length).toBe(21)
  })

  it('is the same after a retryable error', async () => {
    await using s = await setup()
    const one = s.open()
    one.follow('stays')
    expect(await one.news.take()).toBe('started')
    one.followBroken()
    // The subscription that fails, and the one that works.
    expect(await one.news.takeMany(2)).toEqual(['started', 'started'])
    await s.publish('a', 'hello')
    expect(await one.news.take()).toBe('hello')
    expect(one.keys.get('onceBroken')?.size).toBe(1)
  })
})
