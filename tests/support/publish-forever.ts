// A process that publishes 0, 1, 2 … to the log "log" of the Redis whose URL it is given, until it
// is killed.
import { redisBackend } from '@trpc-sse/redis'

const [, , url = '', firstNumber = '0'] = process.argv
const backend = redisBackend({ url })
const log = { key: 'log', retain: { events: 100_000, forMs: 600_000 } }

let number = Number(firstNumber)
async function publish(): Promise<void> {
  for (;;) await backend.append(log, [`${number++}`, `${number++}`])
}
// Four at a time: some are being stored, some are on their way, whenever it is killed.
await Promise.all([publish(), publish(), publish(), publish()])
