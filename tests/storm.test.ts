import { initTRPC } from '@trpc/server'
import { createDecoder } from '@trpc-sse/protocol'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, createServerLink } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, subscriptionUrl } from './support/http.ts'
import { manualClock } from './support/manual-clock.ts'
import { range } from './support/numbers.ts'
import { startRedis } from './support/redis.ts'
import { serveRouter } from './support/router-server.ts'

/**
 * The number of streams that a server opens in one turn of its event loop, as in
 * docs/server-link.md.
 */
const stepsPerTurn = 16
const missed = 100
const clients = 1_000
/** The clients reconnect in waves. Each wave catches up before the next one starts. */
const waves = 4
/** The number of clients that connect at once, without a socket for each. */
const storm = 10_000

const t = initTRPC.create()

/** Creates the parts of one process: its channels on the shared Redis. */
function createProcess(url: string) {
  const channels = createChannels({
    // 10,000 openings keep a slow machine busy for longer than the default timeout.
    backend: redisBackend({ url }, { commandTimeoutMs: 60_000 }),
    channels: { log: channel({ event: z.number() }) },
  })
  const router = t.router({
    onEvent: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
  })
  return { channels, router, log: channels.log() }
}

/** Publishes the missed events before the deploy. Returns the id that clients resume from. */
async function publishBefore(url: string): Promise<string> {
  const { channels, log } = createProcess(url)
  const { id } = await log.publish(0)
  await log.publishMany(range(1, missed))
  await channels.close()
  return id
}

/** Returns how many scripts Redis has run. */
async function scriptsRun(admin: Redis): Promise<number> {
  const info = await admin.info('commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
}

/** Reads the numbers of a stream. */
function numbersOf({ body }: Response) {
  const reader = body?.getReader()
  const numbers: number[] = []
  const decoder = createDecoder({
    onMessage: ({ event, data }) => event === 'message' && numbers.push(JSON.parse(data)),
  })
  return {
    /** Reads until `count` numbers have arrived. */
    async until(count: number): Promise<number[]> {
      while (numbers.length < count) {
        const { done, value } = (await reader?.read()) ?? { done: true }
        if (done) throw new Error(`The stream has ended after ${numbers.length} events.`)
        decoder.push(value)
      }
      return numbers
    },
    leave: () => reader?.cancel(),
  }
}

describe('clients that all reconnect after a deploy', () => {
  it(`get what they missed by at most 5 reads of Redis: ${clients}, each ${missed} events behind`, async () => {
    await using redis = await startRedis()
    const id = await publishBefore(redis.url)
    const after = createProcess(redis.url)
    await using server = await serveRouter(after.router, {
      channels: after.channels,
      limits: { connectionsPerKey: clients },
    })
    const url = subscriptionUrl(server.url, 'onEvent', { lastEventId: id })
    const scripts = await scriptsRun(redis.admin)
    async function comeBack(): Promise<number[]> {
      using stream = await openRaw(url)
      const messages = await stream.nextMany(1 + missed)
      return messages.flatMap(({ event, data }) => (event === 'message' ? [JSON.parse(data)] : []))
    }
    for (let wave = 0; wave < waves; wave++) {
      const runs = await Promise.all(Array.from({ length: clients / waves }, comeBack))
      for (const numbers of runs) expect(numbers).toEqual(range(1, missed))
    }
    expect((await scriptsRun(redis.admin)) - scripts).toBeLessThanOrEqual(5)
    await after.channels.close()
  })

  it(`don't delay connected clients: ${storm} wait, and events arrive between any ${stepsPerTurn} of them`, async () => {
    await using redis = await startRedis()
    const id = await publishBefore(redis.url)
    const after = createProcess(redis.url)
    const here = createChannels({ channels: { log: channel({ event: z.number() }) } })
    const opened = { count: 0 }
    const clock = manualClock()
    const link = createServerLink({
      router: t.mergeRouters(
        after.router,
        t.router({ onLive: t.procedure.subscription((opts) => here.log().subscribe(opts)) }),
      ),
      clock,
      limits: { connections: storm + 1, waiting: storm },
      createContext() {
        opened.count += 1
        return {}
      },
    })
    const live = numbersOf(await link.fetch(new Request('http://localhost/onLive')))
    clock.advance(1)
    const scripts = await scriptsRun(redis.admin)
    const url = subscriptionUrl('http://localhost', 'onEvent', { lastEventId: id })
    const all = Array.from({ length: storm }, () => link.fetch(new Request(url)))
    for (let turn = 1, openedBefore = 1; opened.count <= storm; turn++) {
      if (turn > 1) clock.advance(1)
      await here.log().publish(turn)
      expect(await live.until(turn)).toHaveLength(turn)
      expect(opened.count - openedBefore).toBeGreaterThan(0)
      expect(opened.count - openedBefore).toBeLessThanOrEqual(stepsPerTurn)
      openedBefore = opened.count
    }
    expect(link.stats()).toMatchObject({ connections: storm + 1, refused: 0, gaps: 0 })
    const expected = range(1, missed)
    for (const response of all) {
      const stream = numbersOf(await response)
      expect(await stream.until(missed)).toEqual(expected)
      await stream.leave()
    }
    expect((await scriptsRun(redis.admin)) - scripts).toBeLessThanOrEqual(5)
    await live.leave()
    await Promise.all([after.channels.close(), here.close()])
  })
})
