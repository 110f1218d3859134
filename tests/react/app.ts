import http from 'node:http'
import { join } from 'node:path'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { build } from 'esbuild'
import { openDoor } from '../support/door.ts'
import { listen } from '../support/http.ts'
import { renderPage } from './render.tsx'
import { createRouter } from './router.ts'

/**
 * Serves an app of lists with two pages: an empty one, and `/rendered`, which includes its data.
 */
export async function serveApp({ alias = {} }: { alias?: Record<string, string> } = {}) {
  const { channels, router, ...app } = createRouter()
  const handler = createHTTPHandler({
    router,
    channels,
    basePath: '/trpc/',
    retryMs: 10,
    createContext: () => ({}),
  })
  const script = await bundle(alias)
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (pathname.startsWith('/trpc/')) return handler(request, response)
    if (pathname === '/page.js')
      return response.setHeader('content-type', 'text/javascript').end(script)
    response.setHeader('content-type', 'text/html')
    if (pathname !== '/rendered') return response.end(pageOf('', undefined))
    void router
      .createCaller({})
      .todos({ list: 'a' })
      .then((todos) => response.end(pageOf(renderPage(todos), todos)))
  })
  const { url, ...listening } = await listen(server)
  const door = await openDoor([Number(new URL(url).port)])
  return {
    ...app,
    channels,
    link: handler.link,
    url: door.url,
    /** Disconnects all pages until `comeBack`. */
    goAway() {
      door.setPorts([])
      door.cut()
    },
    comeBack: () => door.setPorts([Number(new URL(url).port)]),
    async [Symbol.asyncDispose](): Promise<void> {
      await door[Symbol.asyncDispose]()
      await channels.close()
      await listening[Symbol.asyncDispose]()
    },
  }
}

export type App = Awaited<ReturnType<typeof serveApp>>

function pageOf(html: string, data: unknown): string {
  const json = JSON.stringify(data ?? null).replaceAll('<', '\\u003c')
  return `<!doctype html><div id="root">${html}</div><script>initial = ${json}</script><script type="module" src="/page.js"></script>`
}

/** Bundles the page's script with React's development build, so that StrictMode is effective. */
async function bundle(alias: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({
    // Aliases are resolved from here.
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: [join(import.meta.dirname, 'page.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    alias,
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles[0]?.text ?? ''
}
