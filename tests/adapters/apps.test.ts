import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { initTRPC } from '@trpc/server'
import { type ChannelsBase, channel, createChannels, type ServerLink } from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { fastifyTRPCPlugin, linkOf } from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import express from 'express'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fetchServer } from '../support/fetch-server.ts'
import { ask, openRaw, type RawStream } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'

interface Context {
  readonly user: string
}

function createParts() {
  const channels = createChannels({ channels: { news: channel({ event: z.string() }) } })
  const t = initTRPC.context<Partial<Context>>().create()
  const router = t.router({
    onNews: t.procedure.subscription((opts) => channels.news().subscribe(opts)),
    onWhoami: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx?.user ?? 'nobody'
    }),
  })
  return { router, channels }
}
type Router = ReturnType<typeof createParts>['router']

/** The options that an app passes to its adapter. */
interface Options {
  readonly router: Router
  readonly channels: ChannelsBase
  readonly createContext?: () => Context
  readonly connectionKey?: (ctx: Partial<Context>) => string | undefined
  readonly limits?: { readonly connectionsPerKey: number }
}

interface App extends AsyncDisposable {
  readonly url: string
  /** The app's link, as the adapter returns it. */
  readonly link: () => ServerLink | undefined
}

async function listen(server: http.Server, link: App['link']): Promise<App> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    link,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/**
 * The ways to start a separate app. Object literals here are created for each request, as in an
 * app's handler.
 */
const apps: Readonly<Record<string, (options: Options) => Promise<App>>> = {
  standalone(options) {
    const server = createHTTPServer(options)
    return listen(server, () => server.link)
  },
  express(options) {
    const middleware = createExpressMiddleware(options)
    return listen(http.createServer(express().use('/', middleware)), () => middleware.link)
  },
  async fastify(options) {
    const app = Fastify()
    await app.register(fastifyTRPCPlugin<Router>, { trpcOptions: options })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    return { url, link: () => linkOf(options.router), [Symbol.asyncDispose]: () => app.close() }
  },
  nodeHttp(options) {
    const handle: RequestListener = (req, res) => {
      const path = new URL(req.url ?? '', 'http://localhost').pathname.slice(1)
      void nodeHTTPRequestHandler({ ...freshly(options), req, res, path })
    }
    return listen(http.createServer(handle), () => linkOf(options.router))
  },
  fetch(options) {
    const server = fetchServer((req) =>
      fetchRequestHandler({ ...freshly(options), req, endpoint: '/' }),
    )
    return listen(server, () => linkOf(options.router))
  },
}

function freshly(options: Options): Options {
  return { ...options, ...(options.limits && { limits: { ...options.limits } }) }
}

async function follow({ url }: App): Promise<RawStream> {
  const stream = await openRaw(`${url}/onNews`)
  // The stream sends `connected`, and then the position.
  await stream.nextMany(2)
  return stream
}

const whoami = async ({ url }: App): Promise<string> =>
  /data: "(.*)"/.exec((await ask(`${url}/onWhoami`)).text)?.[1] ?? ''

describe.each(Object.entries(apps))('apps of one router: %s', (_name, start) => {
  it('one after the other: a later app is not drained with an earlier one', async () => {
    const { router, channels } = createParts()
    for (const word of ['one', 'two', 'three']) {
      await using app = await start({ router, channels })
      const stream = await follow(app)
      await channels.news().publish(word)
      expect((await stream.next()).data).toBe(`"${word}"`)
      const drained = app.link()?.drain()
      expect((await stream.next()).event).toBe('reconnect')
      expect((await ask(`${app.url}/onNews`)).text).toContain('SERVICE_UNAVAILABLE')
      stream.leave()
      await drained
    }
  })

  it('at the same time: each has its own context, key and limits', async () => {
    const parts = createParts()
    await using open = await start({
      ...parts,
      createContext: () => ({ user: 'guest' }),
      connectionKey: () => 'guests',
      limits: { connectionsPerKey: 1 },
    })
    await using inner = await start({
      ...parts,
      connectionKey: () => 'inner',
      limits: { connectionsPerKey: 2 },
    })
    expect(await whoami(open)).toBe('guest')
    expect(await whoami(inner)).toBe('nobody')
    using _stream = await follow(open)
    expect((await ask(`${open.url}/onNews`)).text).toContain('TOO_MANY_REQUESTS')
    using _first = await follow(inner)
    using _second = await follow(inner)
    expect((await ask(`${inner.url}/onNews`)).text).toContain('TOO_MANY_REQUESTS')
  })
})

describe('linkOf', () => {
  it.each(['fastify', 'nodeHttp', 'fetch'])(
    'counts and reaches all apps of a router: %s',
    async (name) => {
      const parts = createParts()
      const start = apps[name] as (options: Options) => Promise<App>
      await using open = await start({ ...parts, limits: { connectionsPerKey: 5 } })
      await using inner = await start(parts)
      using one = await follow(open)
      using two = await follow(inner)
      const link = linkOf(parts.router)
      expect(link?.stats()).toMatchObject({ connections: 2, subscriptions: 2 })
      expect(link?.disconnect(() => true, 'signed out')).toBe(2)
      for (const stream of [one, two]) expect((await stream.next()).event).toBe('reconnect')
      for (const stream of [one, two]) await stream.over
      expect(link?.stats().connections).toBe(0)
      expect(linkOf(parts.router)).toBe(link)
      expect(linkOf(createParts().router)).toBeUndefined()
    },
  )

  it('of Fastify: closing one app leaves the streams of another one alone', async () => {
    const parts = createParts()
    const start = apps.fastify as (options: Options) => Promise<App>
    const open = await start(parts)
    await using inner = await start(parts)
    using one = await follow(open)
    using two = await follow(inner)
    const closed = open[Symbol.asyncDispose]()
    expect((await one.next()).event).toBe('reconnect')
    one.leave()
    await closed
    await parts.channels.news().publish('still here')
    expect((await two.next()).data).toBe('"still here"')
    using _another = await follow(inner)
  })
})

describe.each(['nodeHttp', 'fetch'] as const)('apps that differ only by a function: %s', (name) => {
  it('each call their own, and an app without one calls none', async () => {
    const parts = createParts()
    const asked = createInbox<string>()
    const trusts =
      (who: string) =>
      (address: string | undefined): boolean => {
        asked.put(`${who} ${address ?? ''}`)
        return true
      }
    const serve = async (...[req, res]: Parameters<RequestListener>): Promise<void> => {
      const path = new URL(req.url ?? '', 'http://localhost').pathname.slice(1)
      const mount = String(req.headers['x-mount'])
      const trustProxy = mount !== 'open' && { trustProxy: trusts(mount) }
      const options = { ...parts, ...trustProxy }
      if (name === 'nodeHttp') return void nodeHTTPRequestHandler({ ...options, req, res, path })
      const headers = new Headers({ accept: 'text/event-stream', 'x-forwarded-for': '192.0.2.1' })
      const request = new Request(`http://localhost/${path}`, { headers })
      const response = await fetchRequestHandler({ ...options, req: request, endpoint: '/' })
      res.end(await response.text())
    }
    await using app = await listen(
      http.createServer((...call) => void serve(...call)),
      () => linkOf(parts.router),
    )
    const ask = (mount: string): Promise<Response> =>
      fetch(`${app.url}/onWhoami`, {
        headers: {
          accept: 'text/event-stream',
          'x-mount': mount,
          'x-forwarded-for': '192.0.2.1',
        },
      })
    await (await ask('inner')).text()
    const before = asked.items.length
    expect(before).toBeGreaterThan(0)
    await (await ask('open')).text()
    expect(asked.items).toHaveLength(before)
    // Another closure with the same source text.
    await (await ask('third')).text()
    expect(asked.items.slice(before).every((item) => item.startsWith('third '))).toBe(true)
    expect(asked.items.length).toBeGreaterThan(before)
  })
})

describe('settings that are new objects with each request', () => {
  it('are refused with the reason, before they cost anything', async () => {
    const { router } = createParts()
    const failures = createInbox<string>()
    const server = http.createServer((req, res) => {
      const { channels } = createParts()
      const onError = ({ error }: { error: Error }): void => failures.put(error.message)
      void nodeHTTPRequestHandler({ router, channels, req, res, path: 'onWhoami', onError })
    })
    await using app = await listen(server, () => linkOf(router))
    for (let n = 0; n < 100; n++) expect((await ask(app.url)).status).toBe(200)
    const { status, text } = await ask(app.url)
    expect(status).toBe(500)
    expect(text).toContain('Create channels once')
    expect(failures.items).toHaveLength(1)
  })
})
