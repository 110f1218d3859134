// A server that uses the packed packages, as simple as a user's program. `packaging.test.ts` runs
// it on every Node, and `client.ts` controls it.

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type AnyTRPCRouter, initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend, type ServerLink } from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { fastifyTRPCPlugin } from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { linkOf, nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { z } from 'zod'

const t = initTRPC.create()

type ApiRoute = http.RequestListener & { readonly link: ServerLink }
// Imported by a variable, which the compiler doesn't follow, because the types of Next.js change
// those of `process.env` in the whole project.
const nextEntry: string = '@trpc-sse/server/adapters/next'
const { createNextApiHandler }: { createNextApiHandler(options: Options): ApiRoute } = await import(
  nextEntry
)

const news = channel({ event: z.string(), retain: { events: 10_000, forMs: 600_000 } })

function createNews(backend: 'memory' | 'redis') {
  const url = process.env.REDIS_URL ?? ''
  const prefix = crypto.randomUUID()
  return createChannels({
    backend: backend === 'redis' ? redisBackend({ url }, { prefix }) : memoryBackend(),
    channels: { news },
  })
}

type News = ReturnType<typeof createNews>

function createNewsRouter(channels: News) {
  return t.router({
    onNews: t.procedure.subscription((opts) =>
      channels.news().subscribe({ ...opts, replay: 'all' }),
    ),
  })
}

/** An adapter that serves the router of an app. */
interface Mount {
  readonly server: http.Server
  drain(): Promise<void> | undefined
}

interface Options {
  readonly router: AnyTRPCRouter
  readonly channels: News
  readonly retryMs: number
}

const mounts = {
  standalone(options: Options): Mount {
    const server = createHTTPServer({ ...options, basePath: '/trpc/' })
    return { server, drain: () => server.link.drain() }
  },
  nodeHttp(options: Options): Mount {
    const server = http.createServer((req, res) => {
      void nodeHTTPRequestHandler({ ...options, req, res, path: pathOf(req) })
    })
    return { server, drain: () => linkOf(options.router)?.drain() }
  },
  express(options: Options): Mount {
    const middleware = createExpressMiddleware(options)
    return {
      server: http.createServer(express().use('/trpc', middleware)),
      drain: () => middleware.link.drain(),
    }
  },
  async fastify(trpcOptions: Options): Promise<Mount> {
    const app = Fastify()
    await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions })
    await app.ready()
    return { server: app.server, drain: () => linkOf(trpcOptions.router)?.drain() }
  },
  fetch(options: Options): Mount {
    const app = new Hono()
    app.all('/trpc/*', (c) =>
      fetchRequestHandler({ ...options, req: c.req.raw, endpoint: '/trpc' }),
    )
    return {
      server: createAdaptorServer({ fetch: app.fetch }) as http.Server,
      drain: () => linkOf(options.router)?.drain(),
    }
  },
  next(options: Options): Mount {
    const handler = createNextApiHandler(options)
    const server = http.createServer((req, res) => {
      const query = { trpc: pathOf(req) }
      handler(Object.assign(req, { query }), res)
    })
    return { server, drain: () => handler.link.drain() }
  },
}

function pathOf(request: http.IncomingMessage): string {
  return new URL(request.url ?? '', 'http://localhost').pathname.slice('/trpc/'.length)
}

async function start(name: keyof typeof mounts, channels: News, port: number): Promise<Mount> {
  // A newly deployed server has its own router.
  const mount = await mounts[name]({ router: createNewsRouter(channels), channels, retryMs: 20 })
  mount.server.listen(port, '127.0.0.1')
  await once(mount.server, 'listening')
  return mount
}

/** The apps that clients have requested, by port. */
const apps = new Map<
  number,
  { mount: Mount; readonly adapter: keyof typeof mounts; readonly channels: News }
>()

function appOn(port: number) {
  const app = apps.get(port)
  if (!app) throw new Error(`There is no app on port ${port}.`)
  return app
}

const port = z.number()
const adapter = z.enum(Object.keys(mounts) as [keyof typeof mounts])

/**
 * The router with which a client controls the apps. It has a separate server, which keeps running
 * while apps are cut and drained.
 */
const control = t.router({
  adapters: t.procedure.query(() => Object.keys(mounts) as (keyof typeof mounts)[]),
  open: t.procedure
    .input(z.object({ adapter, backend: z.enum(['memory', 'redis']) }))
    .mutation(async ({ input }) => {
      const channels = createNews(input.backend)
      const mount = await start(input.adapter, channels, 0)
      const { port } = mount.server.address() as AddressInfo
      apps.set(port, { mount, channels, adapter: input.adapter })
      return port
    }),
  publish: t.procedure
    .input(z.object({ port, from: z.number(), count: z.number(), bytes: z.number() }))
    .mutation(async ({ input: { port, from, count, bytes } }) => {
      const texts = Array.from({ length: count }, (_, i) => `${from + i} ${'x'.repeat(bytes)}`)
      await appOn(port).channels.news().publishMany(texts)
    }),
  cut: t.procedure
    .input(port)
    .mutation(({ input }) => appOn(input).mount.server.closeAllConnections()),
  redeploy: t.procedure.input(port).mutation(async ({ input }) => {
    const app = appOn(input)
    await app.mount.drain()
    app.mount.server.closeAllConnections()
    app.mount.server.close()
    await once(app.mount.server, 'close')
    app.mount = await start(app.adapter, app.channels, input)
  }),
})

export type ControlRouter = typeof control
export type NewsRouter = ReturnType<typeof createNewsRouter>

const server = createHTTPServer({ router: control })
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
