// Measures `disconnect` of all streams on three instances with 1,000 streams each. A fourth one
// orders it. Run it with `node tests/fleet/figures.ts`.
import http from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { startChildServer } from '../support/child-server.ts'
import { range } from '../support/numbers.ts'
import { startRedis } from '../support/redis.ts'
import { createLimitedServer, limitedBackend } from './limited-app.ts'

const perInstance = 1_000
const rounds = 5
const limits = { connectionsPerKey: 10_000, connectsPerKeyAndMinute: 100_000 }

await using stack = new AsyncDisposableStack()
const redis = stack.use(await startRedis())
const module = new URL('./limited-server.ts', import.meta.url)
const env = { REDIS_URL: redis.url, LIMITS: JSON.stringify(limits) }
const instances = await Promise.all(
  range(1, 3).map(async () => stack.use(await startChildServer(module, env))),
)
const { link, channels } = createLimitedServer({ backend: limitedBackend(redis.url), limits })
stack.defer(() => channels.close())

let open = 0
/** Opens a stream. Resolves when it has begun. */
function openStream(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { user: 'ada' }
    http
      .get({ host: '127.0.0.1', port, path: '/onNumber', headers, agent: false }, (response) => {
        response.once('data', () => {
          open += 1
          resolve()
        })
        response.on('close', () => {
          open -= 1
        })
        response.resume()
      })
      .on('error', reject)
  })
}

for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < perInstance; i += 50) {
    const ports = instances.flatMap(({ port }) => range(1, 50).map(() => port))
    await Promise.all(ports.map(openStream))
  }
  const opened = open
  const startedAt = performance.now()
  const ended = await link.disconnect({ key: 'ada' }, 'signed out')
  const resolvedMs = performance.now() - startedAt
  while (open > 0 && performance.now() - startedAt < 10_000) await setTimeout(5)
  const overMs = performance.now() - startedAt
  console.log(
    `${opened} streams on ${instances.length} instances: resolved to ${ended} after ${Math.round(resolvedMs)} ms; the last client saw its end after ${Math.round(overMs)} ms, ${open} left`,
  )
}
process.exit()
