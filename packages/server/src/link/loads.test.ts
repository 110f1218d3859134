import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels } from '../index.ts'
import { stepsPerTurn } from './connection/turns.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Live subscriptions of one channel, returned or iterated by a generator, with a record of their
 * loads.
 */
async function setup() {
  const clock = manualClock()
  const channels = createChannels({
    channels: { log: channel({ event: z.number() }) },
    onError() {},
  })
  const loads: string[] = []
  const t = initTRPC.create()
  const { subscription } = t.procedure.input(z.string())
  const load = (who: string) => () => {
    loads.push(who)
    return loads.length
  }
  const router = t.router({
    returned: subscription((opts) =>
      channels.log().live({ signal: opts.signal }, load(opts.input)),
    ),
    iterated: subscription(async function* (opts) {
      yield* channels.log().live({ signal: opts.signal }, load(opts.input))
    }),
  })
  const server = await serveRouter(router, { clock: { ...clock, random: () => 0.5 } })
  return {
    clock,
    channels,
    loads,
    /** Opens a stream with `count` subscriptions, and waits until each has its snapshot. */
    async open(path: string, who: string, count: number): Promise<RawStream> {
      const subscriptions = Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`k${i}`, { path, input: who }]),
      )
      const stream = await openRaw(`${server.url}/~sse`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
      })
      const isThere = (): boolean => loads.filter((each) => each === who).length === count
      for (; !isThere(); clock.advance(1)) await settled()
      clock.advance(1)
      return stream
    },
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe.each(['returned', 'iterated'])('live subscriptions that are %s', (path) => {
  it('load again a few at a time after a common gap, and streams take turns', async () => {
    await using s = await setup()
    using many = await s.open(path, 'many', 100)
    using few = await s.open(path, 'few', 3)
    s.loads.length = 0
    await s.channels.log().clear()
    await settled()
    await settled()
    expect(s.loads.length).toBe(stepsPerTurn)
    s.clock.advance(1)
    await settled()
    expect(s.loads.length).toBe(2 * stepsPerTurn)
    expect(s.loads.filter((who) => who === 'few')).toHaveLength(3)
    for (let turn = 3; turn <= 7; turn++) {
      s.clock.advance(1)
      await settled()
      expect(s.loads.length).toBe(Math.min(103, turn * stepsPerTurn))
    }
    expect([many.status, few.status]).toEqual([200, 200])
  })

  it('load nothing if they end before their turn', async () => {
    await using s = await setup()
    using many = await s.open(path, 'many', 100)
    s.loads.length = 0
    await s.channels.log().clear()
    await settled()
    many.leave()
    while (s.loads.length === 0) await settled()
    await many.over
    await settled()
    for (let turn = 0; turn < 10; turn++) {
      s.clock.advance(1)
      await settled()
    }
    expect(s.loads.length).toBeLessThanOrEqual(2 * stepsPerTurn)
  })
})
