import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startCaddy } from '../support/caddy.ts'
import { untypedClient } from '../support/follow.ts'
import { listen, openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { readPage } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const [documented] = readPage('docs/proxies.md').blocks.filter(({ file }) => file === 'Caddyfile')

/** An app behind Caddy, configured as in docs/proxies.md. */
async function setup() {
  const channels = createChannels({ channels: { numbers: channel({ event: z.number() }) } })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
    large: t.procedure.query(() => 'all the same '.repeat(1_000)),
  })
  const server = createHTTPServer({ router, channels, basePath: '/trpc/', trustProxy: 1 })
  const app = await listen(server)
  const port = await freePort()
  const caddyfile = (documented?.code ?? '')
    .replace('app.example.com', `http://127.0.0.1:${port}`)
    .replace('127.0.0.1:3000', new URL(app.url).host)
  const caddy = await startCaddy(caddyfile)
  return {
    link: server.link,
    url: `http://127.0.0.1:${port}/trpc`,
    publish: (n: number) => channels.numbers().publish(n),
    async [Symbol.asyncDispose]() {
      await caddy[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

describe('Caddy as documented', () => {
  it('passes on each event at once, and compresses calls but no streams', async () => {
    await using s = await setup()
    const headers = { 'accept-encoding': 'gzip' }
    using large = await openRaw(`${s.url}/large`, { headers })
    expect(large.headers['content-encoding']).toBe('gzip')
    using stream = await openRaw(`${s.url}/onNumber`, { headers })
    expect(stream.headers['content-encoding']).toBeUndefined()
    await stream.nextMany(2)
    for (const n of range(1, 5)) {
      await s.publish(n)
      expect((await stream.next()).data).toBe(`${n}`)
    }
  })

  it('shows the app the address of a client, whatever the client claims', async () => {
    await using s = await setup()
    using stream = await openRaw(`${s.url}/onNumber`, {
      headers: { 'x-forwarded-for': '10.1.2.3' },
    })
    await stream.next()
    expect(s.link.disconnect(({ address }) => address === '10.1.2.3')).toBe(0)
    expect(s.link.disconnect(({ address }) => address === '127.0.0.1')).toBe(1)
  })

  it('passes our client every event once and in order', async () => {
    await using s = await setup()
    const numbers = createInbox<number>()
    const started = createInbox<true>()
    const client = untypedClient(sseLink({ url: s.url, retry: { baseMs: 10 } }))
    const subscription = client.subscription('onNumber', undefined, {
      onStarted: () => started.put(true),
      onData: (event) => numbers.put((event as { data: number }).data),
    })
    await started.take()
    for (const n of range(1, 20)) await s.publish(n)
    expect(await numbers.takeMany(20)).toEqual(range(1, 20))
    subscription.unsubscribe()
  })
})
