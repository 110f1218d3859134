// One of the servers: `npm run server 3001`.
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { gracefulShutdown } from '@trpc-sse/server/shutdown'
import { appRouter, channels } from './router.ts'

const { PORT = '3001', UNREADY_MS = '5000', DRAIN_OVER_MS = '10000' } = process.env
const [port = PORT] = process.argv.slice(2)
const server = createHTTPServer({
  router: appRouter,
  channels,
  trustProxy: ['loopback', 'uniquelocal'],
})

// On SIGTERM: clients resume at another server, and the process exits. Answers /livez and /readyz.
gracefulShutdown({
  server,
  link: server.link,
  channels,
  unreadyMs: Number(UNREADY_MS),
  drainOverMs: Number(DRAIN_OVER_MS),
})

server.listen(Number(port), () => console.log(`http://localhost:${port}`))
