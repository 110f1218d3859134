import { redisBackend } from '@trpc-sse/redis'
import type { Backend, ChannelLog, ReadRange } from '@trpc-sse/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInbox } from './support/inbox.ts'
import { range } from './support/numbers.ts'
import { type RedisServer, startRedis } from './support/redis.ts'
import { seededRandom } from './support/seeded-random.ts'

const total = 20_000
const log: ChannelLog = { key: 'log', retain: { events: total, forMs: 600_000 } }

let server: RedisServer
let backend: Backend
let ids: string[]

beforeAll(async () => {
  server = await startRedis()
  backend = redisBackend({ url: server.url })
  ids = []
  for (const part of range(0, 19)) {
    ids.push(
      ...(await backend.append(log, range(part * 1_000, part * 1_000 + 999).map(String))).ids,
    )
  }
})
afterAll(async () => {
  await backend.close()
  await server[Symbol.asyncDispose]()
})

/** Adds up the most entries that the scripts of some work can have read. */
async function entriesTouched(work: () => Promise<unknown>): Promise<number> {
  const monitor = await server.admin.duplicate().monitor()
  const commands = createInbox<readonly string[]>()
  monitor.on('monitor', (_time: string, command: string[]) => commands.put(command))
  await work()
  await server.admin.ping()
  let touched = 0
  for (;;) {
    const [name = '', ...args] = await commands.take()
    if (name.toLowerCase() === 'ping') break
    if (!/^x(rev)?range$/i.test(name)) continue
    touched += Number(args.at(args.findIndex((arg) => arg.toLowerCase() === 'count') + 1))
  }
  monitor.disconnect()
  return touched
}

describe('a read of a long log', () => {
  const limit = 100
  it.each<[string, () => ReadRange, number]>([
    ['all of it', () => ({ last: Number.MAX_SAFE_INTEGER, limit }), 0],
    ['from near its start', () => ({ last: total - 10, limit }), 10],
    ['from the middle', () => ({ last: total / 2, limit }), total / 2],
    ['its newest events', () => ({ last: 50, limit }), total - 50],
    ['after an id', () => ({ after: ids[4_999] ?? '', limit }), 5_000],
    ['after an id before its start', () => ({ after: '1-0', limit }), 0],
  ])(
    'reads no more entries than a page, and a few to find it: %s',
    async (_name, readRange, start) => {
      let events: readonly { readonly id: string }[] = []
      const touched = await entriesTouched(async () => {
        events = (await backend.read(log, readRange())).events
      })
      expect(events.map(({ id }) => id)).toEqual(ids.slice(start, start + limit))
      expect(touched).toBeLessThan(limit + 100)
    },
  )

  it('finds each event of one millisecond, whatever holes are between its sequences', async () => {
    const holes = { ...log, key: 'holes' }
    const ms = Date.now()
    const random = seededRandom(1)
    const stored: string[] = []
    let seq = 0
    let last = `${ms - 1}-5`
    for (const number of range(1, 300)) {
      // Each script begins anywhere after the event before it, and counts on.
      seq += number % 7 === 0 ? 1 + Math.floor(random() * 1_000_000) : 1
      const id = `${ms}-${seq}`
      const fields = ['p', last, 'd', `${number}`, 't', 'token', 'n', `${number}`]
      await server.admin.xadd('trpc-sse:{holes}:log', id, ...fields)
      stored.push(id)
      last = id
    }
    await server.admin.set('trpc-sse:{holes}:last', `${last} 300`)
    for (const count of range(1, 300)) {
      const { events } = await backend.read(holes, { last: count, limit: 3 })
      expect(events.map(({ id }) => id)).toEqual(stored.slice(-count).slice(0, 3))
    }
  })

  it('reads few entries if they are large', async () => {
    const large = { ...log, key: 'large' }
    const payload = JSON.stringify('x'.repeat(10_000))
    await backend.append(large, new Array(500).fill(payload))
    const touched = await entriesTouched(async () => {
      const { events } = await backend.read(large, { after: '0-0', limit: 256, maxBytes: 100_000 })
      expect(events).toHaveLength(9)
    })
    expect(touched).toBeLessThan(20)
  })

  it('obeys a retention that became much smaller, and trims it in steps', async () => {
    const brief = { ...log, retain: { ...log.retain, events: 300 } }
    for (const readRange of [
      { after: '0-0', limit },
      { last: Number.MAX_SAFE_INTEGER, limit },
    ]) {
      const stored = await server.admin.xlen('trpc-sse:{log}:log')
      const touched = await entriesTouched(async () => {
        const { events } = await backend.read(brief, readRange)
        expect(events.map(({ id }) => id)).toEqual(ids.slice(-300, -200))
      })
      expect(touched).toBeLessThan(limit + 100)
      expect(await server.admin.xlen('trpc-sse:{log}:log')).toSatisfy(
        (left) => left < stored && left >= stored - 5_000,
      )
    }
  })
})
