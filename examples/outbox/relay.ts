import { isRealtimeError, type PublishOptions } from '@trpc-sse/server'
import type { ClientBase } from 'pg'
import { ZodError } from 'zod'
import { createWakeup } from './wakeup.ts'

/** A row of the outbox, to be published by a relay. */
export interface Row {
  readonly id: string
  readonly key: string
  /** The channel and its params, as text. */
  readonly log: string
  readonly channel: string
  readonly params: unknown
  readonly event: unknown
  /** The time since a relay first took it. */
  readonly ageMs: number
}

export interface RelayOptions {
  /**
   * Opens a connection for the relay alone. In a pool, the app's queries could starve the relay.
   */
  readonly connect: () => Promise<ClientBase & { end(): Promise<void> }>
  readonly publish: (row: Row, options: Required<PublishOptions>) => Promise<void>
  /** The channels' `idempotencyMs`. */
  readonly idempotencyMs: number
  /** Called with each row that isn't published, and the reason. */
  readonly onParked: (row: Row, reason: string) => void
  /** Called when PostgreSQL or the backend fails. The relay tries again after `pollMs`. */
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
  /** How often to poll, in milliseconds, in case a notification was lost. 1,000 by default. */
  readonly pollMs?: number
}

// Rows of one log become visible in the order of their ids, so these are the oldest of each log.
const takeRows = `
  WITH taken AS (
    UPDATE outbox SET attempted_at = coalesce(attempted_at, clock_timestamp())
    WHERE id IN (SELECT id FROM outbox WHERE parked IS NULL ORDER BY id LIMIT 100)
    RETURNING *
  )
  SELECT id, key, channel, params, event, channel || ' ' || params::text AS log,
    (extract(epoch FROM clock_timestamp() - attempted_at) * 1000)::float8 AS "ageMs"
  FROM taken ORDER BY taken.id`

/** Publishes the rows of the outbox until the signal aborts. Any number of relays may run. */
export async function runRelay(options: RelayOptions): Promise<void> {
  const { connect, onError, signal, pollMs = 1_000 } = options
  while (!signal.aborted) {
    const wakeup = createWakeup(signal)
    let client: Awaited<ReturnType<typeof connect>> | undefined
    try {
      client = await connect()
      client.on('notification', wakeup.wake)
      // Without a listener, a lost connection would end the process.
      client.on('error', wakeup.wake)
      await client.query('LISTEN outbox')
      await relay(client, wakeup, options)
    } catch (error) {
      if (!signal.aborted) onError(error)
    } finally {
      await client?.end().catch(() => {})
    }
    // A notification doesn't end this wait, because the failure would probably repeat at once.
    await createWakeup(signal).wait(pollMs)
  }
}

/** Publishes whenever it is woken, for as long as the connection lasts. */
async function relay(
  client: ClientBase,
  wakeup: ReturnType<typeof createWakeup>,
  options: RelayOptions,
): Promise<void> {
  const { signal, pollMs = 1_000 } = options
  // One relay works, and the others wait for its connection to end. That only saves work: two
  // relays would publish the same rows in the same order, and the keys would prevent duplicates.
  while (!signal.aborted && !(await isLeader(client))) await wakeup.wait(pollMs)
  while (!signal.aborted) {
    const count = await relayBatch(client, options)
    if (count === 0) await wakeup.wait(pollMs)
  }
}

async function isLeader(client: ClientBase): Promise<boolean> {
  const query = "SELECT pg_try_advisory_lock(hashtext('outbox'), 0) AS leads"
  const { rows } = await client.query<{ leads: boolean }>(query)
  return rows[0]?.leads ?? false
}

/**
 * Publishes up to 100 rows: those of one log one after the other, and different logs in parallel.
 */
async function relayBatch(client: ClientBase, options: RelayOptions): Promise<number> {
  const takenAt = performance.now()
  const { rows } = await client.query<Row>(takeRows)
  const logs = new Map<string, Row[]>()
  for (const row of rows) logs.set(row.log, [...(logs.get(row.log) ?? []), row])
  const published: string[] = []
  const refused: (readonly [Row, reason: string])[] = []
  const work = Array.from(logs.values(), async (log) => {
    // If one fails, the later rows of its log wait for the next batch.
    for (const row of log) {
      const reason = await publishOnce(row, takenAt, options)
      if (reason === undefined) published.push(row.id)
      else refused.push([row, reason])
    }
  })
  const results = await Promise.allSettled(work)
  if (published.length > 0) await client.query('DELETE FROM outbox WHERE id = ANY($1)', [published])
  for (const [row, reason] of refused) {
    await client.query('UPDATE outbox SET parked = $2 WHERE id = $1', [row.id, reason])
    options.onParked(row, reason)
  }
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return rows.length
}

/** Publishes a row. Returns the reason if that is impossible. */
async function publishOnce(
  row: Row,
  takenAt: number,
  { publish, idempotencyMs }: RelayOptions,
): Promise<string | undefined> {
  // An earlier attempt may have stored it. Another attempt is harmless only while the key is
  // remembered.
  const ageMs = row.ageMs + performance.now() - takenAt
  if (ageMs > idempotencyMs / 2) return 'in doubt: it may be published already'
  try {
    await publish(row, { idempotencyKey: row.key })
    return undefined
  } catch (error) {
    if (isRefused(error)) return error.message
    throw error
  }
}

/** Whether the error means that the channel will never accept this event. */
function isRefused(error: unknown): error is Error {
  if (error instanceof ZodError) return true
  const codes = ['INVALID_EVENT', 'EVENT_TOO_LARGE', 'INVALID_PARAMS']
  return isRealtimeError(error) && codes.includes(error.code)
}
