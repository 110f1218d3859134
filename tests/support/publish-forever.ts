// A process that publishes 0, 1, 2 … to the log "log" of the Redis at a given URL, until it is
// killed.
import { redisBackend } from '@trpc-sse/redis'

const [, , url = '', firstNumber = '0'] = process.argv
const backend = redisBackend({ url })
const log = { key: 'log', retain: { events: 100_000, forMs: 600_000 } }

let number = Number(firstNumber)
async function publish(): Promise<void> {
  for (;;) await backend.append(log, [`${number++}`, `${number++}`])
}
// Publish four at a time, so that at any moment, some are being stored and some are in transit.
await Promise.all([publish(), publish(), publish(), publish()])
