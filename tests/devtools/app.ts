import http from 'node:http'
import { join } from 'node:path'
import { initTRPC, TRPCError } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { build } from 'esbuild'
import superjson from 'superjson'
import { z } from 'zod'
import { listen } from '../support/http.ts'

const t = initTRPC.create({ transformer: superjson })

/** Serves rooms, and the page with the devtools. */
export async function serveApp() {
  const channels = createChannels({
    transformer: superjson,
    channels: {
      room: channel({
        params: z.object({ id: z.string() }),
        event: z.unknown(),
        retain: { events: 20 },
      }),
    },
  })
  const router = t.router({
    onMessage: t.procedure
      .input(z.object({ id: z.string() }).loose())
      .subscription((opts) => channels.room({ id: opts.input.id }).subscribe(opts)),
    onFailure: t.procedure.subscription(async function* () {
      yield 1
      throw new TRPCError({ code: 'FORBIDDEN', message: 'Not for you.' })
    }),
    send: t.procedure
      .input(z.object({ id: z.string(), text: z.string() }))
      .mutation(({ input }) => channels.room({ id: input.id }).publish(input.text)),
  })
  const handler = createHTTPHandler({
    router,
    channels,
    basePath: '/trpc/',
    retryMs: 10,
    createContext: () => ({}),
  })
  const script = await bundle()
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (pathname.startsWith('/trpc/')) return handler(request, response)
    if (pathname === '/page.js')
      return response.setHeader('content-type', 'text/javascript').end(script)
    if (pathname === '/') response.setHeader('content-security-policy', policy)
    response.setHeader('content-type', 'text/html').end(html)
  })
  const { url, ...listening } = await listen(server)
  return {
    channels,
    link: handler.link,
    url,
    cut: listening.cut,
    publish: (event: unknown, id = 'a') => channels.room({ id }).publish(event),
    async [Symbol.asyncDispose](): Promise<void> {
      await channels.close()
      await listening[Symbol.asyncDispose]()
    },
  }
}

export type App = Awaited<ReturnType<typeof serveApp>>

/** TanStack Devtools need inline styles. The panel by itself doesn't. */
const policy = "default-src 'self'; style-src 'self'; img-src data:"
const html = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Devtools</title><div id="root"></div><script type="module" src="/page.js"></script>`

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['development'],
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles[0]?.text ?? ''
}
