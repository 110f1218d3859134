// An instance on the Redis at REDIS_URL. It sends its port.
import type { AddressInfo } from 'node:net'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { createApp } from './app.ts'

const { channels, router } = createApp(process.env.REDIS_URL ?? '')
const server = createHTTPServer({ router, channels, limits: { connectionsPerAddress: 20_000 } })
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
// Anybody who measures it asks for its costs.
process.on('message', () =>
  process.send?.({ cpu: process.cpuUsage(), bytes: server.link.stats().bytesSent }),
)
// The test that started it has ended.
process.on('disconnect', () => process.exit())
