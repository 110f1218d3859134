import { serve } from '@hono/node-server'
import { linkOf } from '@trpc-sse/server/adapters/fetch'
import app from './app.ts'
import { appRouter } from './router.ts'

const server = serve(app, ({ port }) => console.log(`http://localhost:${port}`))

/** Drains the connections: clients move to another server, and miss no event. */
async function stop(): Promise<void> {
  server.close()
  await linkOf(appRouter)?.drain()
  process.exit()
}

process.once('SIGTERM', () => void stop())
