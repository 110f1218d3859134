import { writeFile } from 'node:fs/promises'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels, type ServerLinkOptions } from '@trpc-sse/server'
import {
  type CreateHTTPContextOptions,
  createHTTPServer,
} from '@trpc-sse/server/adapters/standalone'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { selfSigned } from '../support/certificate.ts'
import { untypedClient } from '../support/follow.ts'
import { ask, listen, openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { startNginx } from '../support/nginx.ts'
import { readPage } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'
import { runCasesBehind } from './cases.ts'

const [documentedBlock] = readPage('docs/proxies.md').blocks.filter(
  ({ file }) => file === 'nginx.conf',
)

/** The configuration of docs/proxies.md, with our ports, and with more lines in its location. */
function documented(appUrl: string, port: number, more = ''): string {
  return (documentedBlock?.code ?? '')
    .replace('127.0.0.1:3000', new URL(appUrl).host)
    .replace('listen 80', `listen 127.0.0.1:${port}`)
    .replace('proxy_pass', `${more}\n    proxy_pass`)
}

/** The smallest configuration that passes requests on. */
function bare(appUrl: string, port: number, more = ''): string {
  return `server {
    listen 127.0.0.1:${port};
    location / { ${more} proxy_pass http://${new URL(appUrl).host}; }
  }`
}

function tls(appUrl: string, port: number): (folder: string) => Promise<string> {
  return async (folder) => {
    const { key, cert } = selfSigned()
    await writeFile(`${folder}/key.pem`, key)
    await writeFile(`${folder}/cert.pem`, cert)
    return documented(appUrl, port)
      .replace(`listen 127.0.0.1:${port}`, `listen 127.0.0.1:${port} ssl http2`)
      .replace(
        'location',
        `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; location`,
      )
  }
}

const fronts = [
  { name: 'as documented', scheme: 'http', config: documented },
  { name: 'with nothing but proxy_pass', scheme: 'http', config: bare },
  { name: 'as documented, over HTTP/2', scheme: 'https', config: tls },
] as const

describe.each(fronts)('nginx $name', ({ scheme, config }) => {
  runCasesBehind(scheme, (appUrl, port) => startNginx(config(appUrl, port)))
})

/** Our app behind nginx. */
async function setup(
  config: (appUrl: string, port: number) => string,
  options: Pick<ServerLinkOptions, 'heartbeatMs' | 'trustProxy'> = {},
) {
  const channels = createChannels({ channels: { texts: channel({ event: z.string() }) } })
  const t = initTRPC.context<object>().create()
  const router = t.router({
    onText: t.procedure.subscription((opts) => channels.texts().subscribe(opts)),
    hello: t.procedure.query(() => 'hello'),
  })
  const hosts: unknown[] = []
  const createContext = ({ req }: CreateHTTPContextOptions): object => {
    hosts.push(req.headers.host)
    return {}
  }
  const server = createHTTPServer({
    router,
    channels,
    createContext,
    basePath: '/trpc/',
    ...options,
  })
  const app = await listen(server)
  const port = await freePort()
  const nginx = await startNginx(config(app.url, port))
  return {
    app,
    hosts,
    link: server.link,
    url: `http://127.0.0.1:${port}/trpc`,
    publish: (text: string) => channels.texts().publish(text),
    /** Kills nginx, and starts another one that replaces it. */
    async replaceNginx() {
      await nginx[Symbol.asyncDispose]()
      const next = await startNginx(config(app.url, port))
      nginx[Symbol.asyncDispose] = next[Symbol.asyncDispose]
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** Opens a stream, and waits until it has started. */
async function openTexts(url: string, headers: Record<string, string> = {}) {
  const stream = await openRaw(`${url}/onText`, { headers })
  await stream.nextMany(2)
  return stream
}

describe("the documentation's statements about nginx", () => {
  it('proxy_http_version and Connection keep connections to the app, which otherwise are closed', async () => {
    for (const [config, left] of [
      [documented, 1],
      [bare, 0],
    ] as const) {
      await using s = await setup(config)
      for (let i = 0; i < 3; i++) await ask(`${s.url}/hello`)
      expect(await s.app.connections()).toBe(left)
    }
  })

  it('the header of streams turns buffering off; ignored, events wait until a buffer is full', async () => {
    await using s = await setup(bare)
    using stream = await openTexts(s.url)
    await s.publish('at once')
    expect((await stream.next()).data).toBe('"at once"')

    // Over HTTP/1.1, nginx passes on each chunk as it arrives, with or without buffering.
    const ignoring = (appUrl: string, port: number): string =>
      bare(appUrl, port, 'proxy_ignore_headers X-Accel-Buffering;')
    await using buffered = await setup(ignoring)
    const begun = vi.fn()
    const opening = openRaw(`${buffered.url}/onText`).finally(begun)
    await expect.poll(() => buffered.link.stats().subscriptions).toBe(1)
    await buffered.publish('not at once')
    await expect.poll(() => buffered.link.stats().eventsSent).toBe(1)
    // A later response from the same nginx arrives before the buffered one.
    expect((await ask(`${buffered.url}/hello`)).status).toBe(200)
    expect(begun).not.toHaveBeenCalled()
    await buffered.publish('x'.repeat(200_000))
    using late = await opening
    const [, , event] = await late.nextMany(3)
    expect(event?.data).toBe('"not at once"')
  })

  it('a stream outlives proxy_read_timeout if its heartbeat is shorter', async () => {
    const impatient = (appUrl: string, port: number): string =>
      documented(appUrl, port).replace('proxy_read_timeout 60s', 'proxy_read_timeout 1s')
    await using s = await setup(impatient, { heartbeatMs: 300 })
    using stream = await openTexts(s.url)
    const pings = await stream.nextMany(6)
    expect(pings.map(({ event }) => event)).toEqual(Array.from(pings, () => 'ping'))

    await using silent = await setup(impatient, { heartbeatMs: 60_000 })
    using cut = await openTexts(silent.url)
    await cut.over
    expect(cut.messages.map(({ event }) => event)).not.toContain('ping')
  })

  it('X-Forwarded-For shows the app the address of a client', async () => {
    await using s = await setup(documented, { trustProxy: 1 })
    using _stream = await openTexts(s.url)
    expect(s.link.disconnect(({ address }) => address === '127.0.0.1')).toBe(1)
    // An address that a client writes into the header isn't the last one in it.
    using forged = await openRaw(`${s.url}/onText`, { headers: { 'x-forwarded-for': '10.1.2.3' } })
    await forged.next()
    expect(s.link.disconnect(({ address }) => address === '10.1.2.3')).toBe(0)

    await using without = await setup(bare, { trustProxy: 1 })
    using believed = await openRaw(`${without.url}/onText`, {
      headers: { 'x-forwarded-for': '10.1.2.3' },
    })
    await believed.next()
    expect(without.link.disconnect(({ address }) => address === '10.1.2.3')).toBe(1)
  })

  it('Host shows the app which host was requested', async () => {
    for (const [config, isAsked] of [
      [documented, true],
      [bare, false],
    ] as const) {
      await using s = await setup(config)
      await ask(`${s.url}/hello`)
      expect(s.hosts.map((host) => s.url.includes(`${host}`))).toEqual([isAsked])
    }
  })

  it('our client continues through another nginx from its position', async () => {
    await using s = await setup(documented)
    const texts = createInbox<string>()
    const client = untypedClient(sseLink({ url: s.url, retry: { baseMs: 10, maxMs: 100 } }))
    const started = createInbox<true>()
    const subscription = client.subscription('onText', undefined, {
      onStarted: () => started.put(true),
      onData: (event) => texts.put((event as { data: string }).data),
    })
    await started.take()
    await s.publish('one')
    expect(await texts.take()).toBe('one')
    const replaced = s.replaceNginx()
    await s.publish('two')
    await replaced
    await s.publish('three')
    expect(await texts.takeMany(2)).toEqual(['two', 'three'])
    subscription.unsubscribe()
  })

  it("text/event-stream among gzip_types is compressed, whatever the stream's headers say", async () => {
    const compressing = (appUrl: string, port: number): string =>
      documented(appUrl, port, 'gzip_types text/event-stream; gzip_proxied any;')
    for (const [config, encoding] of [
      [documented, undefined],
      [compressing, 'gzip'],
    ] as const) {
      await using s = await setup(config)
      using stream = await openRaw(`${s.url}/onText`, { headers: { 'accept-encoding': 'gzip' } })
      expect(stream.headers['content-encoding']).toBe(encoding)
    }
  })
})
