import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import fastifyCompress from '@fastify/compress'
import fastifyCors from '@fastify/cors'
import { type HttpBindings, serve as serveHono } from '@hono/node-server'
import type { ServerLink } from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import {
  type CreateFastifyContextOptions,
  fastifyTRPCPlugin,
  linkOf,
} from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import {
  type NodeHTTPCreateContextFnOptions,
  nodeHTTPRequestHandler,
} from '@trpc-sse/server/adapters/node-http'
import {
  createHTTP2Handler,
  createHTTPHandler,
  createHTTPServer,
} from '@trpc-sse/server/adapters/standalone'
import {
  type AdapterApp,
  type AdapterCaseContext,
  type AdapterExtra,
  type AdapterServeOptions,
  type AdapterServer,
  corsOrigin,
} from '@trpc-sse/server/testing'
import compression from 'compression'
import cors from 'cors'
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors as honoCors } from 'hono/cors'
import { selfSigned } from '../support/certificate.ts'
import { fetchServer } from '../support/fetch-server.ts'

/** An adapter on a real server. */
export interface Mount extends AdapterCaseContext {
  readonly name: string
}

const corsOptions = { origin: corsOrigin, credentials: true, exposedHeaders: 'retry-after' }

/** The app's options, for adapters whose `createContext` gets Node's request and response. */
function nodeOptions(app: AdapterApp) {
  return {
    ...app,
    createContext: ({
      req,
      res,
      info,
    }: NodeHTTPCreateContextFnOptions<http.IncomingMessage, http.ServerResponse>) =>
      app.createContext({
        header: (name) => req.headers[name],
        addCookie: (cookie) => void res.appendHeader('set-cookie', cookie),
        info,
      }),
  }
}

type Middleware = (
  req: http.IncomingMessage,
  res: http.ServerResponse,
  next: (error?: unknown) => void,
) => void

/** The extra's Connect middleware, as tRPC's `middleware` option. */
function middlewareOf(extra: AdapterExtra | undefined): { middleware?: Middleware } {
  if (extra === 'cors') return { middleware: cors(corsOptions) }
  if (extra === 'compression') return { middleware: compression() as unknown as Middleware }
  return extra ? { middleware: express.json() as unknown as Middleware } : {}
}

/** A listening server, and a function that ends it. */
interface Listening {
  readonly origin: string
  close(): Promise<void>
}

async function listen(server: http.Server | http2.Http2SecureServer): Promise<Listening> {
  const sessions = new Set<http2.ServerHttp2Session>()
  const isHttp2 = !(server instanceof http.Server)
  if (isHttp2) server.on('session', (session) => sessions.add(session))
  if (!server.listening) server.listen(0, '127.0.0.1')
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `${isHttp2 ? 'https' : 'http'}://127.0.0.1:${port}`,
    async close() {
      for (const session of sessions) session.destroy()
      if (!isHttp2) server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function serveNode(
  server: http.Server | http2.Http2SecureServer,
  path: string,
  link: () => ServerLink | undefined,
): Promise<AdapterServer> {
  const { origin, close } = await listen(server)
  return { url: `${origin}${path}`, drain: async () => await link()?.drain(), close }
}

const nodeExtras = ['cors', 'compression', 'parsedBody'] as const

function serveStandalone({ app, extra }: AdapterServeOptions): Promise<AdapterServer> {
  const server = createHTTPServer({
    ...nodeOptions(app),
    ...middlewareOf(extra),
    basePath: '/trpc/',
  })
  return serveNode(server, '/trpc', () => server.link)
}

function serveHandler({ app, extra }: AdapterServeOptions): Promise<AdapterServer> {
  // Without the final slash, which tRPC's own handler requires.
  const handler = createHTTPHandler({
    ...nodeOptions(app),
    ...middlewareOf(extra),
    basePath: '/api/trpc',
  })
  return serveNode(http.createServer(handler), '/api/trpc', () => handler.link)
}

function serveHttp2({ app, extra }: AdapterServeOptions): Promise<AdapterServer> {
  const handler = createHTTP2Handler({
    ...nodeOptions(app),
    ...middlewareOf(extra),
    basePath: '/trpc/',
  } as never)
  return serveNode(http2.createSecureServer(selfSigned(), handler), '/trpc', () => handler.link)
}

function serveNodeHttp({ app, extra }: AdapterServeOptions): Promise<AdapterServer> {
  const options = { ...nodeOptions(app), ...middlewareOf(extra) }
  const listener: RequestListener = (req, res) => {
    const path = new URL(req.url ?? '', 'http://localhost').pathname.slice('/trpc/'.length)
    void nodeHTTPRequestHandler({ ...options, req, res, path })
  }
  return serveNode(http.createServer(listener), '/trpc', () => linkOf(app.router))
}

function serveExpress({ app, extra }: AdapterServeOptions): Promise<AdapterServer> {
  const server = express()
  if (extra === 'cors') server.use(cors(corsOptions))
  if (extra === 'compression') server.use(compression())
  if (extra === 'parsedBody') server.use(express.json())
  const api = express.Router()
  const middleware = createExpressMiddleware({
    ...app,
    createContext: ({ req, res, info }) =>
      app.createContext({
        header: (name) => req.get(name),
        addCookie: (cookie) => res.append('set-cookie', cookie),
        info,
      }),
  })
  api.use('/trpc', middleware)
  server.use('/api', api)
  return serveNode(http.createServer(server), '/api/trpc', () => middleware.link)
}

async function serveFastify(
  { app, extra }: AdapterServeOptions,
  given: FastifyInstance,
): Promise<AdapterServer> {
  if (extra === 'cors') await given.register(fastifyCors, { ...corsOptions, origin: [corsOrigin] })
  if (extra === 'compression') await given.register(fastifyCompress)
  await given.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      ...app,
      createContext: ({ req, res, info }: CreateFastifyContextOptions) =>
        app.createContext({
          header: (name) => req.headers[name],
          addCookie: (cookie) => void res.header('set-cookie', cookie),
          info,
        }),
    },
  })
  await given.listen({ port: 0, host: '127.0.0.1' })
  const { port } = given.server.address() as AddressInfo
  const isHttp2 = !(given.server instanceof http.Server)
  return {
    url: `${isHttp2 ? 'https' : 'http'}://127.0.0.1:${port}/trpc`,
    drain: async () => await linkOf(app.router)?.drain(),
    close: async () => await given.close(),
  }
}

/** Returns the app's handler for web-standard requests. */
function fetchHandler(app: AdapterApp, endpoint: string): (req: Request) => Promise<Response> {
  return (req) =>
    fetchRequestHandler({
      ...app,
      req,
      endpoint,
      createContext: ({ resHeaders, info }) =>
        app.createContext({
          header: (name) => req.headers.get(name),
          addCookie: (cookie) => resHeaders.append('set-cookie', cookie),
          info,
        }),
    })
}

function serveFetch({ app }: AdapterServeOptions): Promise<AdapterServer> {
  return serveNode(fetchServer(fetchHandler(app, '/trpc')), '/trpc', () => linkOf(app.router))
}

function honoOf({ app, extra }: AdapterServeOptions): Hono<{ Bindings: HttpBindings }> {
  const server = new Hono<{ Bindings: HttpBindings }>()
  const handle = fetchHandler(app, '/api/trpc')
  if (extra === 'cors')
    server.use(honoCors({ ...corsOptions, exposeHeaders: [corsOptions.exposedHeaders] }))
  if (extra === 'compression') server.use(compress())
  return server.all('/api/trpc/*', (c) => handle(c.req.raw))
}

function serveOnHono(options: AdapterServeOptions): Promise<AdapterServer> {
  const server = serveHono({ fetch: honoOf(options).fetch, port: 0, hostname: '127.0.0.1' })
  return serveNode(server as http.Server, '/api/trpc', () => linkOf(options.app.router))
}

/** Every adapter that runs in this process. */
export const mounts: readonly Mount[] = [
  { name: 'standalone', extras: nodeExtras, serve: serveStandalone },
  { name: 'standalone, as a handler', extras: nodeExtras, serve: serveHandler },
  { name: 'standalone, over HTTP/2', extras: nodeExtras, serve: serveHttp2 },
  { name: 'node-http', extras: nodeExtras, serve: serveNodeHttp },
  { name: 'Express', extras: nodeExtras, serve: serveExpress },
  // Fastify always has its own parser.
  { name: 'Fastify', extras: nodeExtras, serve: (options) => serveFastify(options, Fastify()) },
  {
    name: 'Fastify, over HTTP/2',
    extras: nodeExtras,
    serve: (options) =>
      serveFastify(
        options,
        Fastify({ http2: true, https: selfSigned() }) as unknown as FastifyInstance,
      ),
  },
  { name: 'fetch', extras: [], serve: serveFetch },
  { name: 'fetch, on Hono', extras: ['cors', 'compression'], serve: serveOnHono },
]
