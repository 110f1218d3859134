import { serve } from '@hono/node-server'
import { linkOf } from '@trpc-sse/server/adapters/fetch'
import { gracefulShutdown } from '@trpc-sse/server/shutdown'
import app from './app.ts'
import { appRouter, channels } from './router.ts'

const server = serve(app, ({ port }) => console.log(`http://localhost:${port}`))

// On SIGTERM, clients move to another server, and miss no event. Answers /livez and /readyz.
gracefulShutdown({ server, link: () => linkOf(appRouter), channels })
