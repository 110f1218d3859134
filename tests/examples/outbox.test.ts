import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { redisBackend } from '@trpc-sse/redis'
import { memoryBackend } from '@trpc-sse/server'
import pg from 'pg'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest'
import { createAppChannels, publishRow } from '../../examples/outbox/channels.ts'
import { enqueue } from '../../examples/outbox/outbox.ts'
import { type RelayOptions, type Row, runRelay } from '../../examples/outbox/relay.ts'
import { exampleFolder } from '../support/command.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { startProgram } from '../support/program.ts'
import { startRedis } from '../support/redis.ts'
import { seededRandom } from '../support/seeded-random.ts'

const folder = exampleFolder('outbox')
const schema = readFileSync(join(folder, 'schema.sql'), 'utf8')
const idempotencyMs = 86_400_000
const customers = ['ann', 'bob', 'cid']

type Channels = ReturnType<typeof createAppChannels>

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())
beforeEach(async () => {
  await postgres.pool.query('DROP TABLE IF EXISTS outbox, committed')
  await postgres.pool.query('DROP FUNCTION IF EXISTS outbox_insert')
  await postgres.pool.query(schema)
  // Records what each transaction wrote, for comparison.
  await postgres.pool.query('CREATE TABLE committed (at bigserial, customer text, "order" text)')
})

const opened: pg.Client[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((client) => client.end()))
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(postgres.url)
  opened.push(client)
  await client.connect()
  return client
}

/** Runs a transaction that writes some events, and commits it or rolls it back. */
async function transact(
  writes: readonly (readonly [customer: string, order: string])[],
  end: 'COMMIT' | 'ROLLBACK',
): Promise<void> {
  const client = await postgres.pool.connect()
  try {
    await client.query('BEGIN')
    for (const [customer, order] of writes) {
      const event = { order, status: 'placed' } as const
      await enqueue(client, { channel: 'orders', params: { customer }, event })
      // Inserted while the log's lock is held, so that its order is that of the commits.
      const fact = 'INSERT INTO committed (customer, "order") VALUES ($1, $2)'
      await client.query(fact, [customer, order])
    }
    await client.query(end)
  } finally {
    client.release()
  }
}

/** Returns the committed events of a customer, in the order of the commits. */
async function committed(customer: string): Promise<string[]> {
  const query = 'SELECT "order" FROM committed WHERE customer = $1 ORDER BY at'
  const { rows } = await postgres.pool.query<{ order: string }>(query, [customer])
  return rows.map(({ order }) => order)
}

async function published(channels: Channels, customer: string): Promise<string[]> {
  const { events } = await channels.orders({ customer }).history({ last: 1_000 })
  return events.map(({ data }) => data.order)
}

async function untilEmpty(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await postgres.pool.query('SELECT id FROM outbox WHERE parked IS NULL')
      expect(rows).toEqual([])
    },
    { timeout: 30_000, interval: 20 },
  )
}

/** Starts a relay in this process. */
function startRelay(channels: Channels, given: Partial<RelayOptions> = {}) {
  const stop = new AbortController()
  const parked: (readonly [Row, string])[] = []
  const ended = runRelay({
    connect,
    publish: (row, options) => publishRow(channels, row, options),
    idempotencyMs,
    onParked: (row, reason) => void parked.push([row, reason]),
    onError: () => {},
    signal: stop.signal,
    pollMs: 20,
    ...given,
  })
  return {
    parked,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

/** Writes to all logs in transactions of a few events, which commit or roll back. */
async function write(seed: number, transactions: number): Promise<void> {
  const random = seededRandom(seed)
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; i < transactions; i++) {
      const customer = customers[Math.floor(random() * customers.length)] ?? 'ann'
      const orders = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, n) => {
        return [customer, `${name}.${i}.${n}`] as const
      })
      await transact(orders, random() < 0.3 ? 'ROLLBACK' : 'COMMIT')
    }
  }
  await Promise.all([0, 1, 2, 3, 4, 5].map(writer))
}

async function expectAllPublished(channels: Channels): Promise<void> {
  await untilEmpty()
  for (const customer of customers) {
    expect(await published(channels, customer)).toEqual(await committed(customer))
  }
}

describe('the outbox', () => {
  it('publishes in the order of the commits, even if a later insert would commit first', async () => {
    const channels = createAppChannels(memoryBackend())
    const [first, second] = [await connect(), await connect()]
    const event = (order: string) => ({ order, status: 'placed' }) as const
    const params = { customer: 'ann' }
    await first.query('BEGIN')
    await second.query('BEGIN')
    await enqueue(first, { channel: 'orders', params, event: event('first') })
    const waiting = enqueue(second, { channel: 'orders', params, event: event('second') }).then(
      () => second.query('COMMIT'),
    )
    // Other logs don't wait.
    await transact([['bob', 'other']], 'COMMIT')
    await using _relay = startRelay(channels)
    await vi.waitFor(async () => expect(await published(channels, 'bob')).toEqual(['other']))
    expect(await published(channels, 'ann')).toEqual([])
    await first.query('COMMIT')
    await waiting
    await untilEmpty()
    expect(await published(channels, 'ann')).toEqual(['first', 'second'])
  })

  it('publishes at the notification, and without it at the next poll', async () => {
    const channels = createAppChannels(memoryBackend())
    {
      // A poll would come only after the test's timeout.
      await using _relay = startRelay(channels, { pollMs: 600_000 })
      await transact([['ann', 'a']], 'COMMIT')
      await untilEmpty()
      await transact([['ann', 'b']], 'COMMIT')
      await untilEmpty()
    }
    const deaf = async () => {
      const client = await connect()
      const query = client.query.bind(client)
      const withoutListen = (text: string, values?: unknown[]) =>
        query(text.startsWith('LISTEN') ? 'SELECT 1' : text, values)
      return Object.assign(client, { query: withoutListen })
    }
    await using _relay = startRelay(channels, { connect: deaf })
    await transact([['ann', 'c']], 'COMMIT')
    await untilEmpty()
    expect(await published(channels, 'ann')).toEqual(['a', 'b', 'c'])
  })

  it('parks an event that its channel refuses, reports it, and continues', async () => {
    const channels = createAppChannels(memoryBackend())
    const insert = 'INSERT INTO outbox (channel, params, event) VALUES ($1, $2, $3)'
    await transact([['ann', 'before']], 'COMMIT')
    await postgres.pool.query(insert, ['orders', '{"customer":"ann"}', '{"order":1}'])
    await postgres.pool.query(insert, ['unknown', '{}', '{}'])
    await transact([['ann', 'after']], 'COMMIT')
    await using relay = startRelay(channels)
    await untilEmpty()
    expect(await published(channels, 'ann')).toEqual(['before', 'after'])
    await vi.waitFor(() => expect(relay.parked).toHaveLength(2))
  })

  it('parks an event whose earlier attempt is too old to be repeated safely', async () => {
    const channels = createAppChannels(memoryBackend())
    await transact([['ann', 'doubtful']], 'COMMIT')
    await postgres.pool.query("UPDATE outbox SET attempted_at = now() - interval '13 hours'")
    await transact([['ann', 'new']], 'COMMIT')
    await using relay = startRelay(channels)
    await untilEmpty()
    expect(await published(channels, 'ann')).toEqual(['new'])
    await vi.waitFor(() =>
      expect(relay.parked.map(([, reason]) => reason)).toEqual([
        'in doubt: it may be published already',
      ]),
    )
  })

  it('waits while the backend is away, and publishes everything then', async () => {
    const channels = createAppChannels(memoryBackend())
    let isAway = true
    const errors: unknown[] = []
    await using _relay = startRelay(channels, {
      onError: (error) => void errors.push(error),
      async publish(row, options) {
        if (isAway) throw new Error('away')
        await publishRow(channels, row, options)
      },
    })
    await write(1, 3)
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(2))
    isAway = false
    await expectAllPublished(channels)
  })
})

describe('several relays', () => {
  it('publish each event once and in order, even if all of them believe that they lead', async () => {
    const channels = createAppChannels(memoryBackend())
    // A relay that was suspended until another got its lock still believes that it leads.
    await postgres.pool.query(`
      CREATE SCHEMA lead;
      CREATE FUNCTION lead.pg_try_advisory_lock(int, int) RETURNS boolean
        LANGUAGE sql AS 'SELECT true'`)
    const everyoneLeads = async () => {
      const client = await connect()
      await client.query('SET search_path TO lead, pg_catalog, public')
      return client
    }
    await using _one = startRelay(channels, { connect: everyoneLeads })
    await using _two = startRelay(channels, { connect: everyoneLeads })
    await using _three = startRelay(channels, { connect: everyoneLeads })
    await write(2, 15)
    await expectAllPublished(channels)
  })
})

describe.each(['memory', 'redis'])('a relay that crashes (%s)', (kind) => {
  it.each(['before', 'after'])('%s any of its calls publishes each event once', async (when) => {
    await using redis = kind === 'redis' ? await startRedis() : undefined
    const backend = redis ? redisBackend({ url: redis.url }) : memoryBackend()
    const channels = createAppChannels(backend)
    let crashes = 0
    for (let fatal = 0; ; fatal++) {
      await transact(
        [
          ['ann', `${fatal}.0`],
          ['ann', `${fatal}.1`],
        ],
        'COMMIT',
      )
      await transact([['ann', `${fatal}.rolled-back`]], 'ROLLBACK')
      const crash = new AbortController()
      let calls = 0
      // From the fatal call on, no call of this relay has any effect.
      async function step<T>(call: () => Promise<T>): Promise<T> {
        const isFatal = calls++ === fatal
        if (crash.signal.aborted || (isFatal && when === 'before')) {
          crash.abort()
          throw new Error('crashed')
        }
        const result = await call()
        if (isFatal) crash.abort()
        if (crash.signal.aborted) throw new Error('crashed')
        return result
      }
      const ended = runRelay({
        connect: () =>
          step(async () => {
            const client = await connect()
            const query = client.query.bind(client)
            return Object.assign(client, {
              query: (text: string, values?: unknown[]) => step(() => query(text, values)),
            })
          }),
        publish: (row, options) => step(() => publishRow(channels, row, options)),
        idempotencyMs,
        onParked: () => {},
        onError: () => {},
        signal: crash.signal,
        pollMs: 20,
      })
      await Promise.race([ended, untilEmpty()])
      if (!crash.signal.aborted) {
        crash.abort()
        await ended
        break
      }
      crashes++
      await ended
      await using _next = startRelay(channels)
      await expectAllPublished(channels)
    }
    await expectAllPublished(channels)
    // connect, LISTEN, the lock, the rows, two publishes, the deletion.
    expect(crashes).toBeGreaterThanOrEqual(7)
    await channels.close()
  })
})

it('relays that are killed at any moment publish each event once, in the order of the commits', async () => {
  await using redis = await startRedis()
  const channels = createAppChannels(redisBackend({ url: redis.url }))
  // Close it after a failure, too: an open subscription would keep this process alive.
  onTestFinished(() => channels.close())
  const random = seededRandom(7)
  const env = { ...process.env, DATABASE_URL: postgres.url, REDIS_URL: redis.url }
  const received: string[] = []
  const stop = new AbortController()
  const reading = (async () => {
    const feed = channels.orders({ customer: 'ann' }).subscribe({ signal: stop.signal })
    for await (const [, { order }] of feed) received.push(order)
  })()
  let isWriting = true
  const writing = write(7, 60).finally(() => {
    isWriting = false
  })
  const isDone = async (): Promise<boolean> => {
    const { rowCount } = await postgres.pool.query('SELECT id FROM outbox LIMIT 1')
    return !isWriting && rowCount === 0
  }
  let kills = 0
  while (!(await isDone())) {
    await using _relay = startProgram(process.execPath, ['main.ts'], { cwd: folder, env })
    // Kill it a few events later (the seed decides how many), among the rows that it has taken.
    const goal = received.length + 1 + Math.floor(random() * 20)
    await vi.waitFor(async () => expect(received.length >= goal || (await isDone())).toBe(true), {
      timeout: 20_000,
      interval: 1,
    })
    kills++
    expect(received).toEqual([...new Set(received)])
  }
  expect(kills).toBeGreaterThanOrEqual(5)
  await writing
  await expectAllPublished(channels)
  const all = await committed('ann')
  await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(all.length))
  expect(received).toEqual(all)
  stop.abort()
  await reading
}, 120_000)
