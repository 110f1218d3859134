import { once } from 'node:events'
import http2 from 'node:http2'
import { createTRPCClient, httpLink } from '@trpc/client'
import { type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { describe, expect, it, vi } from 'vitest'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { createApp, type NumbersRouter, names, serveHttp1, serveHttp2 } from './app.ts'
import { http2Fetch } from './http2-fetch.ts'

function clientOf(url: string, fetch: NonNullable<SseLinkBaseOptions['fetch']>) {
  const options = { url: `${url}/trpc`, fetch }
  return createTRPCClient<NumbersRouter>({
    links: [sseLink(options), httpLink(options as { url: string })],
  })
}

/** Follows all logs on one stream. */
async function followAll(client: ReturnType<typeof clientOf>) {
  const started = createInbox<string>()
  const runs = names.map((name) => {
    const numbers = createInbox<number>()
    const subscription = client.onNumber.subscribe(
      { name },
      { onStarted: () => started.put(name), onData: ({ data }) => numbers.put(data.n) },
    )
    return { numbers, unsubscribe: () => subscription.unsubscribe() }
  })
  await started.takeMany(names.length)
  return runs
}

const versions = [
  { version: 'HTTP/1.1', serve: serveHttp1, open: () => ({ fetch, [Symbol.dispose]() {} }) },
  { version: 'HTTP/2', serve: serveHttp2, open: http2Fetch },
]

describe.each(versions)('100 subscriptions of one client over $version', ({ serve, open }) => {
  it('have one stream on the server, get all their events, and block no mutation', async () => {
    await using app = createApp()
    await using server = await serve(app)
    using opened = open(server.url)
    const client = clientOf(server.url, opened.fetch)
    const runs = await followAll(client)
    expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
    for (const n of range(1, 20)) {
      const [answer] = await Promise.all([client.add.mutate(n), app.publish(n)])
      expect(answer).toBe(n + 1)
    }
    for (const { numbers } of runs) expect(await numbers.takeMany(20)).toEqual(range(1, 20))
    expect(app.link.stats()).toMatchObject({
      connections: 1,
      subscriptions: 100,
      eventsSent: 2_000,
    })
    for (const { unsubscribe } of runs.slice(0, 60)) unsubscribe()
    await expect.poll(() => app.link.stats().subscriptions).toBe(40)
    await app.publish(21)
    for (const { numbers } of runs.slice(60)) expect(await numbers.take()).toBe(21)
    for (const { unsubscribe } of runs.slice(60)) unsubscribe()
    await expect.poll(() => app.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })
})

describe('a reader over HTTP/2', () => {
  it('that stops reading costs bounded memory, and gets everything when it continues', async () => {
    await using app = createApp()
    await using server = await serveHttp2(app)
    const session = http2.connect(server.url, { rejectUnauthorized: false })
    const input = encodeURIComponent(JSON.stringify({ name: 'log-0' }))
    const stream = session.request({
      ':path': `/trpc/onNumber?input=${input}`,
      accept: 'text/event-stream',
    })
    const [headers] = await once(stream, 'response')
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' })
    stream.setEncoding('utf8')
    let text = ''
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    await expect.poll(() => text).toContain('restore-id')
    stream.pause()
    const log = app.channels.numbers({ name: 'log-0' })
    for (const n of range(1, 4_000)) await log.publish({ n, text: 'x'.repeat(1_000) })
    // Only as much as both ends of the connection buffer: 4 MB were published.
    expect(app.link.stats().bytesSent).toBeLessThan(1_000_000)
    stream.resume()
    // Don't compare the text itself, because an error message with four megabytes takes long to
    // create.
    await vi.waitFor(() => expect(text.includes('"n":4000,')).toBe(true), 30_000)
    expect(Array.from(text.matchAll(/"n":(\d+),/g), ([, n]) => Number(n))).toEqual(range(1, 4_000))
    session.destroy()
    await expect.poll(() => app.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })
})
