import { activeTrace, openTelemetry } from '@trpc-sse/opentelemetry'
import type { Trace } from '@trpc-sse/protocol'
import { expect, it, vi } from 'vitest'
import { follow } from '../support/follow.ts'
import { openRaw } from '../support/http.ts'
import { startApp } from './app.ts'
import { startSdk } from './sdk.ts'

it('a Prometheus endpoint has the metrics of publishes, streams and clients', async () => {
  await using app = await startApp()
  const followed = follow(app.client, 'onMessage', { id: 'secret' })
  await followed.nextMany(3)
  await app.room.publish({ text: 'one' })
  await app.room.publishMany([{ text: 'two' }, { text: 'three' }])
  await app.room.publish({ text: 1 } as never).catch(() => {})
  await followed.nextMany(3)

  const { metric } = app.sdk
  const room = { messaging_system: 'trpc_sse', messaging_destination_template: 'room' }
  const publish = { messaging_operation_name: 'publish', messaging_operation_type: 'send' }
  const path = { trpc_path: 'onMessage' }
  expect(await metric('messaging_client_sent_messages_total', { ...room, ...publish })).toBe(3)
  const durations = 'messaging_client_operation_duration_count'
  expect(await metric(durations, { ...room, ...publish })).toBe(2)
  expect(await metric(durations, { ...room, trpc_sse_read_cause: 'open' })).toBe(1)
  expect(await metric('trpc_sse_streams')).toBe(1)
  expect(await metric('trpc_sse_subscriptions')).toBe(1)
  expect(await metric('trpc_sse_sent_total', path)).toBe(3)
  expect(await metric('trpc_sse_sent_size_total', path)).toBeGreaterThan(60)
  expect(await metric('trpc_sse_publish_to_socket_duration_count')).toBe(3)
  expect(await metric('trpc_sse_publish_to_handler_duration_count', path)).toBe(3)
  expect(await metric('trpc_sse_refused_total', { error_type: 'INVALID_EVENT' })).toBe(1)
  // Params may be personal.
  expect(await app.sdk.text()).not.toContain('secret')
  followed.unsubscribe()
})

it('a function that calls openTelemetry() counts each delivery once, too', async () => {
  await using sdk = await startSdk()
  const trace = openTelemetry(sdk)
  const facts = { stream: 1, key: '', path: 'onMessage', id: undefined, bytes: 7 }
  const both: Trace = (step, what) => trace(step, what)
  both('sent', facts)
  both('sent', facts)
  expect(await sdk.metric('trpc_sse_sent_total')).toBe(2)
  expect(await sdk.metric('trpc_sse_sent_size_total')).toBe(14)
})

it('the gauges name clients that are behind, until they leave', async () => {
  await using app = await startApp()
  const stream = await openRaw(`${app.server.url}/onMessage?input={"id":"secret"}`)
  await stream.next()
  stream.pause()
  const text = 'x'.repeat(60_000)
  const behind = (): Promise<number> => app.sdk.metric('trpc_sse_behind')
  while ((await behind()) === 0) await app.room.publishMany(Array(4).fill({ text }))
  expect(await app.sdk.metric('trpc_sse_behind_longest')).toBeGreaterThan(0)
  stream.leave()
  await vi.waitFor(async () => expect(await behind()).toBe(0))
  expect(await app.sdk.metric('trpc_sse_streams')).toBe(0)
  expect(await app.sdk.metric('trpc_sse_subscriptions')).toBe(0)
})

it('one trace leads from a click to the screen of another user', async () => {
  await using app = await startApp()
  const followed = follow(app.client, 'onMessage', { id: 'secret' })
  await followed.nextMany(3)
  const tracer = app.sdk.tracerProvider.getTracer('app')
  const id = await tracer.startActiveSpan('click', async (span) => {
    const published = await app.room.publish({ text: 'hello', ...activeTrace() })
    span.end()
    return published.id
  })
  await followed.next()
  const named = (name: string) => app.sdk.spans().find((span) => span.name === name)
  await vi.waitFor(() => expect(named('process onMessage')).toBeDefined())
  const [click, publish, handled] = ['click', 'publish room', 'process onMessage'].map(named)
  expect(publish?.parentSpanContext?.spanId).toBe(click?.spanContext().spanId)
  expect(publish?.attributes).toMatchObject({
    'messaging.system': 'trpc_sse',
    'messaging.destination.template': 'room',
    'messaging.message.id': id,
  })
  expect(handled?.links[0]?.context).toMatchObject({
    traceId: click?.spanContext().traceId,
    spanId: click?.spanContext().spanId,
  })
  expect(handled?.attributes).toMatchObject({
    'messaging.message.id': id,
    'trpc.path': 'onMessage',
  })
  followed.unsubscribe()
})

it.each([
  ['text', { text: 'hello', traceparent: 'x' }],
  ['zeros', { text: 'hello', traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
  ['a huge text', { text: 'hello', traceparent: 'f'.repeat(100_000) }],
])('an event that carries %s instead of a trace context has no span', async (_, event) => {
  await using app = await startApp()
  const followed = follow(app.client, 'onMessage', { id: 'secret' })
  await followed.nextMany(3)
  await app.room.publish(event)
  expect((await followed.next())[0]).toBe('data')
  expect(app.sdk.spans().map(({ name }) => name)).toEqual(['publish room'])
  followed.unsubscribe()
})

it('without a current span, an event carries nothing', () => {
  expect(activeTrace()).toEqual({})
})
