/** Metrics that are started late, twice, or with an SDK that fails. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { MeterProvider } from '@opentelemetry/api'
import { openTelemetry } from '@trpc-sse/opentelemetry'
import { systemClock, type Trace, type TracedSubscription } from '@trpc-sse/protocol'
import { memoryBackend } from '@trpc-sse/server'
import { describe, expect, it, vi } from 'vitest'
import { follow } from '../support/follow.ts'
import { openRaw } from '../support/http.ts'
import { startApp } from './app.ts'
import { startSdk } from './sdk.ts'

const subscription = (stream: number): TracedSubscription => ({ stream, key: '', path: 'onNews' })

/** Reports the start of a stream with a subscription that is behind. */
function startBehind(trace: Trace, stream: number): void {
  trace('opened', { stream, key: undefined })
  trace('started', { ...subscription(stream), lastEventId: undefined })
  trace('behind', { ...subscription(stream), bytesWaiting: 1 })
}

function end(trace: Trace, stream: number): void {
  trace('ended', subscription(stream))
  trace('closed', { stream, key: undefined })
}

const current = ['trpc_sse_streams', 'trpc_sse_subscriptions', 'trpc_sse_behind']

describe('openTelemetry()', () => {
  // https://github.com/open-telemetry/opentelemetry-js/issues/3472
  it('of a server and of a client in one process count together', async () => {
    await using sdk = await startSdk()
    const server = openTelemetry(sdk)
    const client = openTelemetry(sdk)
    startBehind(server, 1)
    server('sent', { ...subscription(1), id: '1-0', bytes: 10 })
    client('sent', { ...subscription(1), id: '2-0', bytes: 10 })
    for (const name of current) expect([name, await sdk.metric(name)]).toEqual([name, 1])
    expect(await sdk.metric('trpc_sse_sent_total')).toBe(2)
    end(client, 1)
    for (const name of current) expect([name, await sdk.metric(name)]).toEqual([name, 0])
  })

  // https://github.com/dotnet/SqlClient/issues/3640
  it('that begins after streams were opened never counts below zero', async () => {
    await using sdk = await startSdk()
    const trace = openTelemetry(sdk)
    end(trace, 1)
    startBehind(trace, 2)
    for (const name of current) expect([name, await sdk.metric(name)]).toEqual([name, 1])
    // Somebody stopped listening when it ended, and continues.
    trace('closed', { stream: 2, key: undefined })
    for (const name of current) expect([name, await sdk.metric(name)]).toEqual([name, 0])
  })

  it('keeps all handlers working when one instrument throws', async () => {
    await using sdk = await startSdk()
    const meterProvider: MeterProvider = {
      getMeter(...about) {
        const meter = sdk.meterProvider.getMeter(...about)
        const createUpDownCounter: typeof meter.createUpDownCounter = () => ({
          add() {
            throw new Error('broken')
          },
        })
        return Object.assign(Object.create(meter), { createUpDownCounter })
      },
    }
    const trace = openTelemetry({ meterProvider })
    expect(() => startBehind(trace, 1)).toThrow('broken')
    trace('behind', { ...subscription(1), bytesWaiting: 1 })
    expect(await sdk.metric('trpc_sse_behind')).toBe(1)
    expect(() => end(trace, 1)).toThrow('broken')
    expect(await sdk.metric('trpc_sse_behind')).toBe(0)
  })
})

it('a listener of node:diagnostics_channel may come late and leave early', async () => {
  await using app = await startApp()
  await using sdk = await startSdk()
  const trace = openTelemetry(sdk)
  const onStep = (message: unknown): void => {
    const { step, facts } = message as { step: 'closed'; facts: never }
    trace(step, facts)
  }
  const streams = () => sdk.metric('trpc_sse_streams')
  const early = await openRaw(`${app.server.url}/onMessage?input={"id":"a"}`)
  await early.next()
  subscribe('trpc-sse:trace', onStep)
  early.leave()
  const late = await openRaw(`${app.server.url}/onMessage?input={"id":"a"}`)
  await late.next()
  await vi.waitFor(() => expect(app.server.link.stats().connections).toBe(1))
  expect(await streams()).toBe(1)
  late.leave()
  await vi.waitFor(async () => expect(await streams()).toBe(0))
  unsubscribe('trpc-sse:trace', onStep)
})

it('the latency of events that are replayed is not measured, as it says nothing of delays', async () => {
  const anHourAgo = { ...systemClock, now: () => Date.now() - 3_600_000 }
  await using app = await startApp({ backend: memoryBackend({ clock: anHourAgo }) })
  await app.room.publishMany([{ text: 'old' }, { text: 'older' }])
  const counts = () =>
    Promise.all(
      ['socket', 'handler'].map((place) =>
        app.sdk.metric(`trpc_sse_publish_to_${place}_duration_count`),
      ),
    )
  const followed = follow(app.client, 'onMessage', { id: 'secret', lastEventId: '0-0' })
  await vi.waitFor(() => expect(followed.news.filter(([news]) => news === 'data')).toHaveLength(2))
  expect(await counts()).toEqual([0, 0])
  followed.unsubscribe()
})
