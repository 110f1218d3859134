import { serve } from '@hono/node-server'
import { linkOf } from '@trpc-sse/server/adapters/fetch'
import app from './app.ts'
import { appRouter } from './router.ts'

const server = serve(app, ({ port }) => console.log(`http://localhost:${port}`))

/** Sends the clients away, so that they go on elsewhere without a hole. */
async function stop(): Promise<void> {
  server.close()
  await linkOf(appRouter)?.drain()
  process.exit()
}

process.once('SIGTERM', () => void stop())
