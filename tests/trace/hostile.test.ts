/** A trace function and listeners that do what they shouldn't. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { initTRPC } from '@trpc/server'
import type { Clock, DeliveryCount, Trace, TraceStep } from '@trpc-sse/protocol'
import { channel, createChannels, type ServerLink } from '@trpc-sse/server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw, subscriptionUrl } from '../support/http.ts'
import { manualClock } from '../support/manual-clock.ts'
import { serveRouter } from '../support/router-server.ts'
import { recordSteps, stepsNamed } from './recorder.ts'

const t = initTRPC.create()

interface Parts {
  readonly over?: AbortController
  readonly clock?: Clock
}

/** An app whose subscriptions can be ended from outside. */
async function setup(trace: Trace, { over = new AbortController(), clock }: Parts = {}) {
  const stack = new AsyncDisposableStack()
  const channels = createChannels({
    channels: { news: channel({ event: z.string(), retain: { events: 4 } }) },
    onError() {},
    trace,
    ...(clock && { clock }),
  })
  stack.defer(() => channels.close())
  const router = t.router({
    onNews: t.procedure
      .input(z.object({ lastEventId: z.string().optional() }).optional())
      .subscription((opts) => channels.news().subscribe({ ...opts, signal: over.signal })),
  })
  const server = stack.use(await serveRouter(router, { channels }))
  const { link } = server
  return { channels, server, link, over, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Opens a stream with one subscription. */
function open(url: string, mode: 'single' | 'multiplexed', input = {}) {
  if (mode === 'single') return openRaw(subscriptionUrl(url, 'onNews', { input }))
  const subscriptions = { a: { path: 'onNews', input } }
  const body = JSON.stringify({ version: 1, revision: 1, subscriptions })
  const headers = { 'content-type': 'application/json' }
  return openRaw(`${url}/~sse`, { method: 'POST', headers, body })
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** Calls a function at the first step of this name, and records all steps. */
function recordAnd(step: TraceStep, act: () => void) {
  const { steps, trace } = recordSteps()
  let isFirst = true
  const both: Trace = (name, facts) => {
    trace(name, facts)
    if (name !== step || !isFirst) return
    isFirst = false
    act()
  }
  return { steps, trace: both }
}

describe('a trace function that', () => {
  it.each(['single', 'multiplexed'] as const)(
    'disconnects everybody when a subscription has ended sees each end once, in %s mode',
    async (mode) => {
      let link: ServerLink | undefined
      const { steps, trace } = recordAnd('ended', () => link?.disconnect(() => true))
      await using app = await setup(trace)
      link = app.link
      const stream = await open(app.server.url, mode)
      await vi.waitFor(() => expect(stepsNamed(steps, 'started')).toHaveLength(1))
      app.over.abort()
      await stream.over
      await vi.waitFor(() => expect(stepsNamed(steps, 'closed')).toHaveLength(1))
      expect(stepsNamed(steps, 'ended')).toHaveLength(1)
      expect(app.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
    },
  )

  it.each<TraceStep>(['started', 'gap', 'framed', 'sent', 'behind'])(
    'ends a subscription at its step "%s": nothing follows the end',
    async (step) => {
      const over = new AbortController()
      const { steps, trace } = recordAnd(step, () => over.abort())
      await using app = await setup(trace, { over })
      const { id } = await app.channels.news().publish('0')
      for (let n = 1; n < 9; n++) await app.channels.news().publish('x'.repeat(100_000))
      const stream = await open(app.server.url, 'multiplexed', { lastEventId: id })
      await vi.waitFor(() =>
        expect(stream.messages.map(({ event }) => event)).toContain('$stopped'),
      )
      await app.channels.news().publish('later')
      stream.leave()
      await stream.over
      expect(stream.messages.at(-1)?.event).toBe('$stopped')
      expect(stepsNamed(steps, 'ended')).toHaveLength(1)
    },
  )

  it('changes its facts changes nothing else', async () => {
    await using app = await setup((_, facts) => {
      for (const value of Object.values(facts)) if (Array.isArray(value)) value.length = 0
    })
    const published = await app.channels.news().publishMany(['one', 'two'])
    expect(published.map(({ id }) => id)).toEqual([expect.any(String), expect.any(String)])
  })

  it('fails at each step fills the log with one line in ten seconds', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const clock = manualClock()
    const fail = (): never => {
      throw new Error('no disk')
    }
    await using app = await setup(fail, { clock })
    for (let n = 0; n < 50; n++) await app.channels.news().publish('x')
    expect(logged).toHaveBeenCalledTimes(1)
    clock.advance(20_000)
    await app.channels.news().publish('x')
    expect(logged).toHaveBeenCalledTimes(2)
    expect(logged.mock.lastCall?.join()).toContain('49 times since')
  })
})

describe('a trace function that counts deliveries', () => {
  it.each(['single', 'multiplexed'] as const)('isn’t called for each, in %s mode', async (mode) => {
    const { steps, trace } = recordSteps()
    const counts = new Map<string, DeliveryCount>()
    const countOf = (path: string): DeliveryCount => {
      const count = counts.get(path) ?? { events: 0, bytes: 0 }
      counts.set(path, count)
      return count
    }
    await using app = await setup(Object.assign(trace, { countOf }))
    const streams = [await open(app.server.url, mode), await open(app.server.url, mode)]
    await vi.waitFor(() => expect(stepsNamed(steps, 'started')).toHaveLength(2))
    await app.channels.news().publishMany(['one', 'two'])
    for (const stream of streams)
      await vi.waitFor(() => expect(stream.messages.at(-1)?.data).toBe('"two"'))
    const seen: unknown[] = []
    const listener = (message: unknown): void => {
      if ((message as { step: TraceStep }).step === 'sent') seen.push(message)
    }
    subscribe('trpc-sse:trace', listener)
    await app.channels.news().publish('three')
    for (const stream of streams)
      await vi.waitFor(() => expect(stream.messages.at(-1)?.data).toBe('"three"'))
    unsubscribe('trpc-sse:trace', listener)
    expect([...counts]).toEqual([['onNews', { events: 6, bytes: expect.any(Number) }]])
    expect(stepsNamed(steps, 'sent')).toEqual([])
    expect(stepsNamed(steps, 'framed')).toHaveLength(3)
    expect(seen).toHaveLength(2)
    for (const stream of streams) stream.leave()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no memory')
      },
    ],
    ['returns nothing', () => undefined],
    ['returns what can’t be changed', () => Object.freeze({ events: 0, bytes: 0 })],
  ])('and that %s, affects no subscription', async (_, countOf) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { trace } = recordSteps()
    await using app = await setup(Object.assign(trace, { countOf: countOf as never }))
    const stream = await open(app.server.url, 'single')
    await vi.waitFor(() => expect(app.link.stats().subscriptions).toBe(1))
    await app.channels.news().publishMany(['one', 'two'])
    await vi.waitFor(() => expect(stream.messages.at(-1)?.data).toBe('"two"'))
    stream.leave()
  })
})
