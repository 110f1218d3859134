// One of the servers: `npm run server 3001`.
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { appRouter, channels } from './router.ts'

const [port = '3001'] = process.argv.slice(2)
const server = createHTTPServer({ router: appRouter, channels })
server.listen(Number(port), () => console.log(`http://localhost:${port}`))

/** Drains the connections: clients resume at the other server. */
async function stop(): Promise<void> {
  server.close()
  await server.link.drain()
  await channels.close()
  process.exit()
}

process.once('SIGTERM', () => void stop())
