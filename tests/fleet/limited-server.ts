// An instance on the Redis at REDIS_URL, with LIMITS. It sends its port.
import type { AddressInfo } from 'node:net'
import { createLimitedServer, limitedBackend } from './limited-app.ts'

const { server } = createLimitedServer({
  backend: limitedBackend(process.env.REDIS_URL ?? ''),
  limits: JSON.parse(process.env.LIMITS ?? '{}'),
})
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
// The test that started it has ended.
process.on('disconnect', () => process.exit())
