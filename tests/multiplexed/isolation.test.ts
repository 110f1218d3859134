import { setImmediate } from 'node:timers/promises'
import { createTRPCClient } from '@trpc/client'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { channel, createChannels } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'
import { manualClock } from '../support/manual-clock.ts'
import { range, receiveNumbers } from '../support/numbers.ts'
import { serveRouter } from '../support/router-server.ts'

/**
 * A server with healthy subscriptions and failing ones of all kinds, and a client with one stream.
 */
async function setup(options: Partial<SseLinkBaseOptions> = {}) {
  const channels = createChannels({
    channels: { numbers: channel({ params: z.object({ name: z.string() }), event: z.number() }) },
  })
  const ended = createInbox<string>()
  const starts = new Map<string, number>()
  const count = (name: string): number => {
    const next = (starts.get(name) ?? 0) + 1
    starts.set(name, next)
    return next
  }
  // Heartbeats are frequent, and the client tolerates a long silence.
  const t = initTRPC.create({ sse: { client: { reconnectAfterInactivityMs: 30_000 } } })
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string() }))
      .subscription((opts) => channels.numbers(opts.input).subscribe(opts)),
    endless: t.procedure.input(z.string()).subscription(async function* ({ input, signal }) {
      try {
        yield `${input} runs`
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      } finally {
        ended.put(input)
      }
    }),
    forbidden: t.procedure.subscription(async function* () {
      yield 'one'
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not for you' })
    }),
    // Fails once with a retryable error, and then continues from its position.
    flaky: t.procedure.subscription(async function* ({ signal }) {
      const nth = count('flaky')
      yield tracked(String(nth), nth)
      if (nth === 1) throw new Error('not now')
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
    done: t.procedure.subscription(async function* () {
      yield 'only this'
    }),
    neverStarts: t.procedure.subscription(() => new Promise<AsyncIterable<string>>(() => {})),
    failsAtOnce: t.procedure.subscription(async function* () {
      count('failsAtOnce')
      yield* []
      throw new Error('never works')
    }),
  })
  const server = await serveRouter(router, { channels, heartbeatMs: 100, retryMs: 0 })
  const client = createTRPCClient<typeof router>({
    links: [sseLink({ url: server.url, retry: { baseMs: 20, maxMs: 100 }, ...options })],
  })
  return Object.assign(server, { channels, client, ended, starts })
}

type Setup = Awaited<ReturnType<typeof setup>>

/** A subscription to a log of numbers that records everything else that happens to it. */
function followNumbers({ client }: Setup, name: string) {
  const received = receiveNumbers()
  const news: string[] = []
  const subscription = client.onNumber.subscribe(
    { name },
    {
      onData: received.onData,
      onError: (error) => news.push(`error ${error.message}`),
      onComplete: () => news.push('complete'),
      onConnectionStateChange: ({ state }) => news.push(state),
    },
  )
  return { ...received, news, subscription }
}

/** Handlers that record everything, for any kind of subscription. */
function listener() {
  const news: unknown[] = []
  return {
    news,
    onStarted: () => news.push('started'),
    onData: (data: unknown) => news.push(data),
    onError: (error: { message: string }) => news.push(`error: ${error.message}`),
    onComplete: () => news.push('complete'),
    onConnectionStateChange: ({ state }: { state: string }) => news.push(state),
  }
}

const names = Array.from({ length: 20 }, (_, i) => `log-${i}`)
const running = ['connecting', 'pending']

describe('one of many subscriptions on a stream', () => {
  it("that is unsubscribed ends its generator on the server within a second; the others aren't affected", async () => {
    await using server = await setup()
    const healthy = names.map((name) => followNumbers(server, name))
    const endless = createInbox<string>()
    const [first, second] = ['first', 'second'].map((name) =>
      server.client.endless.subscribe(name, { onData: endless.put }),
    )
    expect((await endless.takeMany(2)).sort()).toEqual(['first runs', 'second runs'])
    const before = performance.now()
    first?.unsubscribe()
    expect(await server.ended.take()).toBe('first')
    expect(performance.now() - before).toBeLessThan(1_000)
    await expect.poll(() => server.link.stats().subscriptions).toBe(names.length + 1)
    for (const name of names) await server.channels.numbers({ name }).publish(1)
    await Promise.all(healthy.map((one) => one.until(1)))
    expect(healthy.map(({ news }) => news)).toEqual(names.map(() => running))
    expect(server.ended.items).toEqual(['first'])
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: names.length + 1 })
    second?.unsubscribe()
    for (const { subscription } of healthy) subscription.unsubscribe()
    expect(await server.ended.take()).toBe('second')
  })

  it('that fails, completes or never starts has its own state; the healthy ones have theirs', async () => {
    await using server = await setup()
    const healthy = names.map((name) => followNumbers(server, name))
    const forbidden = listener()
    const flaky = listener()
    const done = listener()
    const never = listener()
    const subscriptions = [
      server.client.forbidden.subscribe(undefined, forbidden),
      server.client.flaky.subscribe(undefined, flaky),
      server.client.done.subscribe(undefined, done),
      server.client.neverStarts.subscribe(undefined, never),
    ]
    await expect.poll(() => flaky.news).toContainEqual({ id: '2', data: 2 })
    for (const n of range(1, 50)) {
      for (const name of names) await server.channels.numbers({ name }).publish(n)
    }
    await Promise.all(healthy.map((one) => one.until(50)))
    for (const { numbers, news } of healthy) {
      expect(numbers).toEqual(range(1, 50))
      expect(news).toEqual(running)
    }
    expect(forbidden.news).toEqual([
      'connecting',
      'started',
      'pending',
      'one',
      'error: not for you',
    ])
    expect(flaky.news).toEqual([
      'connecting',
      'started',
      'pending',
      { id: '1', data: 1 },
      'connecting',
      'started',
      'pending',
      { id: '2', data: 2 },
    ])
    expect(done.news).toEqual(['connecting', 'started', 'pending', 'only this', 'idle', 'complete'])
    // Heartbeats have arrived, but a subscription that never starts isn't reported as started.
    expect(never.news).toEqual(['connecting'])
    // Ended subscriptions no longer count; the one that never starts does.
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: names.length + 2 })
    for (const each of [...subscriptions, ...healthy.map(({ subscription }) => subscription)])
      each.unsubscribe()
    await expect.poll(() => server.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })
})

describe('poison', () => {
  it('an event that makes one handler throw ends that subscription, and nothing else', async () => {
    await using server = await setup()
    const healthy = names.map((name) => followNumbers(server, name))
    const same = followNumbers(server, 'log-0')
    const errors = createInbox<unknown>()
    const poisoned: number[] = []
    server.client.onNumber.subscribe(
      { name: 'log-0' },
      {
        onData({ data }) {
          if (data === 3) throw new Error('poison')
          poisoned.push(data)
        },
        onError: errors.put,
      },
    )
    await expect.poll(() => server.link.stats().subscriptions).toBe(names.length)
    for (const n of range(1, 10)) {
      for (const name of names) await server.channels.numbers({ name }).publish(n)
    }
    await Promise.all([...healthy, same].map((one) => one.until(10)))
    for (const { numbers, news } of [...healthy, same]) {
      expect(numbers).toEqual(range(1, 10))
      expect(news).toEqual(running)
    }
    expect(poisoned).toEqual([1, 2])
    expect(await errors.take()).toMatchObject({ message: 'poison' })
    expect(errors.items).toHaveLength(1)
    expect(server.link.stats()).toMatchObject({ connections: 1, subscriptions: names.length })
    for (const { subscription } of [...healthy, same]) subscription.unsubscribe()
  })

  it('a subscription that fails at every start is retried after growing waits; the others continue', async () => {
    const clock = manualClock()
    await using server = await setup({
      clock,
      retry: { baseMs: 1_000, maxMs: 30_000 },
      inactivityTimeoutMs: Infinity,
      connectTimeoutMs: 3_600_000,
    })
    const healthy = followNumbers(server, 'log-0')
    const poison = listener()
    const subscription = server.client.failsAtOnce.subscribe(undefined, poison)
    const waits = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]
    for (const [index, waitMs] of waits.entries()) {
      // Random numbers are always 0.5, so the wait is half of its maximum.
      await clock.due(waitMs)
      expect(server.starts.get('failsAtOnce')).toBe(index + 1)
      clock.advance(waitMs - 1)
      for (let turn = 0; turn < 20; turn++) await setImmediate()
      expect(server.starts.get('failsAtOnce')).toBe(index + 1)
      await server.channels.numbers({ name: 'log-0' }).publish(index)
      await healthy.until(index)
      clock.advance(1)
    }
    expect(healthy.numbers).toEqual(range(0, waits.length - 1))
    expect(healthy.news).toEqual(running)
    expect(server.link.stats().connections).toBe(1)
    expect(poison.news.filter((one) => typeof one === 'string' && one.startsWith('error'))).toEqual(
      [],
    )
    subscription.unsubscribe()
    healthy.subscription.unsubscribe()
  })
})
