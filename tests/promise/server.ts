/** A server process: serves the numbers over the Redis at REDIS_URL, and sends its port. */
import type { AddressInfo } from 'node:net'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { createRouter, numberChannels } from './router.ts'

const channels = numberChannels(process.env.REDIS_URL ?? '')
const server = createHTTPServer({
  router: createRouter(channels),
  channels,
  retryMs: 20,
  heartbeatMs: 1_000,
})
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
