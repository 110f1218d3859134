import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, openRaw } from '../../../../tests/support/http.ts'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels } from '../index.ts'

type Sse = NonNullable<NonNullable<Parameters<typeof initTRPC.create>[0]>['sse']>

async function setup(sse: Sse) {
  const clock = manualClock()
  const t = initTRPC.create({ sse })
  const channels = createChannels({ channels: { log: channel({ event: z.number() }) } })
  const told = createInbox<string>()
  const router = t.router({
    log: t.procedure.subscription((opts) => channels.log().subscribe({ ...opts, replay: 'all' })),
    twice: t.procedure.subscription(async function* ({ signal }) {
      yield tracked('1', 'one')
      yield tracked('2', 'two')
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
    silent: t.procedure.subscription(async function* ({ signal }) {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
  })
  const server = await serveRouter(router, {
    channels,
    clock,
    onError: ({ error }) => told.put(error.code),
  })
  return Object.assign(server, { clock, told, log: channels.log() })
}

const request = (paths: Record<string, string>) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    version: 1,
    revision: 1,
    subscriptions: Object.fromEntries(Object.entries(paths).map(([key, path]) => [key, { path }])),
  }),
})

describe('sse.emitAndEndImmediately', () => {
  const sse: Sse = { emitAndEndImmediately: true }

  it('P55: ends a stream after the available values, and completes no subscription', async () => {
    await using server = await setup(sse)
    await server.log.publishMany([1, 2, 3])
    using stream = await openRaw(`${server.url}/~sse`, request({ a: 'log', b: 'twice' }))
    // $connected, two starts, and five events.
    await stream.nextMany(8)
    server.clock.advance(1)
    expect((await stream.over).by).toBe('end')
    const events = stream.messages
      .filter(({ event }) => !event.startsWith('$'))
      .map(({ data }) => data)
    expect(events.sort()).toEqual(['"one"', '"two"', '1', '2', '3'])
    expect(stream.messages.map(({ event }) => event)).not.toContain('$stopped')
    expect(server.link.stats().connections).toBe(0)
  })

  it('waits for the first value, and then for a limited time for silent subscriptions', async () => {
    await using server = await setup(sse)
    using stream = await openRaw(`${server.url}/~sse`, request({ a: 'log', b: 'silent' }))
    await stream.nextMany(3)
    server.clock.advance(5_000)
    await server.log.publish(1)
    expect((await stream.next()).data).toBe('1')
    server.clock.advance(900)
    expect(server.link.stats().connections).toBe(1)
    server.clock.advance(200)
    expect((await stream.over).by).toBe('end')
  })
})

describe('sse.enabled: false', () => {
  it('refuses a multiplexed stream with 404 and without a report, so that the client uses single mode', async () => {
    await using server = await setup({ enabled: false })
    const { status, text } = await ask(`${server.url}/~sse`, request({ a: 'log' }))
    expect([status, JSON.parse(text).error.data.code]).toEqual([404, 'NOT_FOUND'])
    expect(server.told.items).toEqual([])
    expect((await ask(`${server.url}/log`)).text).toContain('error')
  })
})
