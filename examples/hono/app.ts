import { readFileSync } from 'node:fs'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { Hono } from 'hono'
import { appRouter, channels } from './router.ts'

const page = readFileSync(new URL('page.html', import.meta.url), 'utf8')

const app = new Hono()
  .get('/', (c) => c.html(page))
  .all('/trpc/*', (c) =>
    fetchRequestHandler({ endpoint: '/trpc', req: c.req.raw, router: appRouter, channels }),
  )

/**
 * Bun and Deno serve this export. By default, Bun closes silent streams after 10 s: `idleTimeout`.
 */
export default { port: Number(process.env.PORT ?? 3000), idleTimeout: 0, fetch: app.fetch }
