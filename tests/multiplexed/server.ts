/**
 * A server process: serves the logs of the Redis at REDIS_URL, and sends its port. On request, it
 * sends its statistics.
 */
import type { AddressInfo } from 'node:net'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { createRouter, logChannels } from './router.ts'

const { REDIS_URL = '', MAX_DURATION_MS } = process.env
const channels = logChannels(REDIS_URL)
const router = createRouter(
  channels,
  MAX_DURATION_MS === undefined ? undefined : Number(MAX_DURATION_MS),
)
const server = createHTTPServer({ router, channels, retryMs: 20, heartbeatMs: 1_000 })
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
process.on('message', (message) => {
  if (message === 'drain') void server.link.drain().then(() => process.send?.('drained'))
  else process.send?.(server.link.stats())
})
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
