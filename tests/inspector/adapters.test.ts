import type http from 'node:http'
import { initTRPC } from '@trpc/server'
import { channel, createChannels, createServerLink } from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { fastifyTRPCPlugin } from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { inspector } from '@trpc-sse/server/inspector'
import express from 'express'
import fastify from 'fastify'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { fetchServer } from '../support/fetch-server.ts'
import { listen, type TestServer } from '../support/http.ts'
import { askInspector } from './ask.ts'

const t = initTRPC.context<{ readonly user: string }>().create()

/** Creates the options of an app, new ones for each adapter. */
function createApp() {
  const channels = createChannels({ channels: { news: channel({ event: z.string() }) } })
  const router = t.router({
    onNews: t.procedure.subscription((opts) => channels.news().subscribe(opts)),
  })
  const createContext = () => ({ user: 'ada' })
  const options = {
    channels,
    createContext,
    inspector: inspector<{ user: string }>({ allow: ({ ctx }) => ctx.user === 'ada' }),
  }
  return { router, options }
}

const adapters: Readonly<Record<string, () => Promise<TestServer & { readonly path: string }>>> = {
  async standalone() {
    const { router, options } = createApp()
    return at('', await listen(createHTTPHandler({ router, ...options })))
  },
  async 'node-http'() {
    const { router, options } = createApp()
    const handle: http.RequestListener = (req, res) =>
      void nodeHTTPRequestHandler({ router, ...options, req, res, path: req.url?.slice(1) ?? '' })
    return at('', await listen(handle))
  },
  async express() {
    const { router, options } = createApp()
    const app = express().use(express.json())
    app.use('/trpc', createExpressMiddleware({ router, ...options }))
    return at('/trpc', await listen(app))
  },
  async fastify() {
    const { router, options } = createApp()
    const app = fastify()
    app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router, ...options } })
    await app.ready()
    return at('/trpc', await listen(app.server))
  },
  async fetch() {
    const { router, options } = createApp()
    const handle = (req: Request) =>
      fetchRequestHandler({ endpoint: '/api/trpc', req, router, ...options })
    return at('/api/trpc', await listen(fetchServer(handle)))
  },
  async link() {
    const { router, options } = createApp()
    const link = createServerLink({ router, basePath: '/rpc', ...options })
    return at('/rpc', await listen((req, res) => void link.node(req, res)))
  },
}

function at(path: string, server: TestServer): TestServer & { readonly path: string } {
  return Object.assign(server, { path })
}

it.each(Object.keys(adapters))('is served below the endpoint by the adapter %s', async (name) => {
  const start = adapters[name]
  if (!start) throw new Error(`There is no adapter ${name}.`)
  await using server = await start()
  const url = `${server.url}${server.path}/~inspector`
  const page = await fetch(url)
  const { status, body } = await askInspector(url, { type: 'definitions' })
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(await page.text()).toContain('<title>Inspector</title>')
  expect([status, body]).toMatchObject([200, [{ name: 'news', kind: 'channel' }]])
})
