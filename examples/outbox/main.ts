// A relay: `npm run relay`. Start one beside each server, or two anywhere.
import pg from 'pg'
import { createAppChannels, createBackend, idempotencyMs, publishRow } from './channels.ts'
import { runRelay } from './relay.ts'

const connectionString = process.env.DATABASE_URL ?? 'postgres://localhost/app'
const channels = createAppChannels(createBackend())
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

console.log('The relay has started.')
await runRelay({
  async connect() {
    const client = new pg.Client({ connectionString, keepAlive: true, query_timeout: 10_000 })
    await client.connect()
    return client
  },
  publish: (row, options) => publishRow(channels, row, options),
  idempotencyMs,
  onParked: ({ id, log }, reason) => console.error(`Parked ${id} of ${log}: ${reason}`),
  onError: (error) => console.error('Relay:', error),
  signal: stop.signal,
})
await channels.close()
