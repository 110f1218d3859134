import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { channel, createChannels, createServerLink, type ServerLinkOptions } from '@trpc-sse/server'
import { build } from 'esbuild'
import { z } from 'zod'
import { selfSigned } from '../support/certificate.ts'

/** The names of 100 logs. */
export const names: readonly string[] = Array.from({ length: 100 }, (_, i) => `log-${i}`)

interface AppOptions extends Pick<ServerLinkOptions, 'heartbeatMs'> {
  readonly retain?: { readonly events: number }
}

/** Creates an app with 100 logs of numbers, and a mutation. */
export function createApp({ retain = { events: 10_000 }, ...options }: AppOptions = {}) {
  const channels = createChannels({
    channels: {
      numbers: channel({
        params: z.object({ name: z.string() }),
        event: z.object({ n: z.number(), text: z.string() }),
        retain,
      }),
    },
  })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string() }))
      .subscription((opts) => channels.numbers(opts.input).subscribe(opts)),
    // Sends as much as a client reads, as fast as it reads.
    flood: t.procedure.input(z.number()).subscription(async function* () {
      for (;;) yield 'x'.repeat(10_000)
    }),
    add: t.procedure.input(z.number()).mutation(({ input }) => input + 1),
  })
  const link = createServerLink({
    router,
    channels,
    basePath: '/trpc',
    createContext: () => ({}),
    ...options,
  })
  return {
    router,
    link,
    channels,
    /** Publishes a number to every log. */
    async publish(n: number, text = ''): Promise<void> {
      await Promise.all(names.map((name) => channels.numbers({ name }).publish({ n, text })))
    },
    [Symbol.asyncDispose]: () => channels.close(),
  }
}

export type App = ReturnType<typeof createApp>
export type NumbersRouter = App['router']

/**
 * A server for an app, on a free port of this machine: tRPC at `/trpc`, and the page of the browser
 * tests.
 */
export interface AppServer extends AsyncDisposable {
  readonly url: string
  /** Breaks all connections. */
  cut(): void
}

/** Serves an app over HTTP/1.1. */
export function serveHttp1(app: App): Promise<AppServer> {
  return serve(
    http.createServer((request, response) => void answer(app, request, response)),
    'http',
  )
}

/** Serves an app over TLS and HTTP/2 with `node:http2`. */
export function serveHttp2(app: App): Promise<AppServer> {
  const server = http2.createSecureServer(
    { ...selfSigned(), allowHTTP1: true },
    (request, response) =>
      // The objects of HTTP/2 are compatible with those of HTTP/1.1; only their types differ.
      void answer(
        app,
        request as unknown as IncomingMessage,
        response as unknown as ServerResponse,
      ),
  )
  return serve(
    server.on('session', (session) => session.on('error', () => {})),
    'https',
  )
}

async function serve(
  server: http.Server | http2.Http2SecureServer,
  scheme: string,
): Promise<AppServer> {
  const sockets = new Set<Socket>()
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `${scheme}://localhost:${(server.address() as AddressInfo).port}`,
    cut,
    async [Symbol.asyncDispose]() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

let page: Promise<string> | undefined

async function answer(
  { link }: App,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.startsWith('/trpc/')) return await link.node(request, response)
  page ??= bundlePage()
  const script = await page
  response.setHeader('content-type', 'text/html')
  response.end(
    `<!doctype html><link rel="icon" href="data:,"><script type="module">${script}</script>`,
  )
}

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    minify: true,
  })
  return outputFiles[0]?.text ?? ''
}
