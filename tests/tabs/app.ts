import { once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { build } from 'esbuild'
import { z } from 'zod'
import { listen } from '../support/http.ts'

/** The rooms of the app. */
export const rooms: readonly string[] = ['a', 'b', 'c']

function createRouter() {
  const channels = createChannels({
    channels: {
      room: channel({
        params: z.object({ room: z.string() }),
        event: z.object({ n: z.number() }),
        // A fast machine publishes thousands of events while a tab closes. Trimmed events would
        // correctly cause a gap.
        retain: { events: 1_000_000 },
      }),
    },
  })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ room: z.string() }))
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  })
  return { channels, router }
}

export type NumbersRouter = ReturnType<typeof createRouter>['router']

/** Serves an app with rooms of numbers, and a page that follows them. */
export async function serveApp() {
  const { channels, router } = createRouter()
  const handler = createHTTPHandler({
    router,
    channels,
    basePath: '/trpc/',
    createContext: () => ({}),
  })
  const files = await bundle()
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (pathname.startsWith('/trpc/')) return handler(request, response)
    const script = files.get(pathname)
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>')
  })
  const { url } = await listen(server)
  let last = 0
  return {
    // Web Locks need a secure context, such as `localhost`.
    url: url.replace('127.0.0.1', 'localhost'),
    link: handler.link,
    /** The last number that was published. */
    last: () => last,
    /** Publishes the next number to every room. */
    async publish(): Promise<void> {
      last += 1
      await Promise.all(rooms.map((room) => channels.room({ room }).publish({ n: last })))
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await channels.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type App = Awaited<ReturnType<typeof serveApp>>

/** Returns the page's scripts by path. Code that is loaded on demand is a separate file. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const outdir = join(import.meta.dirname, 'out')
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    splitting: true,
    write: false,
    outdir,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  })
  return new Map(outputFiles.map(({ path, text }) => [path.slice(outdir.length), text]))
}
