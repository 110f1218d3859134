import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createTRPCClient, httpLink } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { type SseFallback, type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { shortHash } from '@trpc-sse/protocol'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer as createSseServer } from '@trpc-sse/server/adapters/standalone'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'

/**
 * tRPC's own server, with a stream of numbers for each request, and our link in its default mode.
 */
async function setup(options: Partial<SseLinkBaseOptions> = {}) {
  const t = initTRPC.create({ sse: { ping: { enabled: true, intervalMs: 200 } } })
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input: { lastEventId } }) {
        const from = Number(lastEventId ?? 0) + 1
        // Ends after every fourth value, with an error that tRPC's own clients retry.
        for (const n of range(from, from + 3)) yield tracked(String(n), n)
        throw new Error('again')
      }),
    add: t.procedure.input(z.number()).mutation(({ input }) => input + 1),
  })
  const server = createHTTPServer({ router })
  const asked: string[] = []
  server.on('request', ({ method, url = '' }) => asked.push(`${method} ${url.split('?', 1)[0]}`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const reported: SseFallback[] = []
  const client = createTRPCClient<typeof router>({
    links: [
      sseLink({
        url,
        retry: { baseMs: 10, maxMs: 20 },
        onFallback: (fallback) => reported.push(fallback),
        ...options,
      }),
      httpLink({ url }),
    ],
  })
  return {
    client,
    asked,
    reported,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('P63: a page that remembers a server of tRPC', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('asks again on the next load, once the server turns out to have multiplexed mode', async () => {
    const t = initTRPC.create()
    const channels = createChannels({ channels: { texts: channel({ event: z.string() }) } })
    const router = t.router({
      onText: t.procedure.subscription((opts) => channels.texts().subscribe(opts)),
    })
    await using app = await listen(createSseServer({ router, channels }))
    const address = shortHash(`${app.url}/~sse`)
    let kept = `${address} 404 ${Date.now()}`
    vi.stubGlobal('document', {})
    vi.stubGlobal('localStorage', {
      getItem: () => kept,
      setItem: (_: string, text: string) => (kept = text),
    })
    const modes: string[] = []
    const send: typeof fetch = (url, init) => {
      modes.push(init?.method ?? 'GET')
      return fetch(url, init)
    }
    for (let load = 0; load < 2; load++) {
      const link = sseLink<typeof router>({ url: app.url, fetch: send, onFallback() {} })
      const client = createTRPCClient<typeof router>({ links: [link] })
      const started = createInbox<true>()
      const subscription = client.onText.subscribe(undefined, {
        onStarted: () => started.put(true),
      })
      await started.take()
      subscription.unsubscribe()
    }
    expect(modes).toEqual(['GET', 'POST'])
  })
})

describe('P63: a multiplexed link on a server of tRPC', () => {
  it('falls back to single mode by itself, reports that once, and gives each subscription its run', async () => {
    await using s = await setup()
    const follow = (name: string) => {
      const numbers = createInbox<number>()
      const subscription = s.client.onNumber.subscribe(
        { name },
        { onData: ({ data }) => numbers.put(data) },
      )
      return { numbers, unsubscribe: () => subscription.unsubscribe() }
    }
    const first = range(1, 10).map((n) => follow(`log-${n}`))
    for (const { numbers } of first) expect(await numbers.takeMany(10)).toEqual(range(1, 10))
    const later = follow('later')
    expect(await later.numbers.takeMany(5)).toEqual(range(1, 5))
    expect(await s.client.add.mutate(1)).toBe(2)
    // One request for multiplexed mode, however many subscriptions follow.
    expect(s.asked.filter((one) => one.includes('~sse'))).toEqual(['POST /~sse'])
    expect(s.reported).toEqual([
      { status: expect.any(Number), message: expect.stringContaining('multiplexed') },
    ])
    for (const { unsubscribe } of [...first, later]) unsubscribe()
  })

  it("doesn't request multiplexed mode with mode: 'single'", async () => {
    await using s = await setup({ mode: 'single' })
    const numbers = createInbox<number>()
    const subscription = s.client.onNumber.subscribe(
      { name: 'one' },
      { onData: ({ data }) => numbers.put(data) },
    )
    expect(await numbers.takeMany(10)).toEqual(range(1, 10))
    expect(s.asked.filter((one) => one.includes('~sse'))).toEqual([])
    expect(s.reported).toEqual([])
    subscription.unsubscribe()
  })
})
