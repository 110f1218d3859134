/** Failures that users of other instrumentations have reported, tried on ours. */
import { openTelemetry } from '@trpc-sse/opentelemetry'
import { systemClock, type TracedEvent } from '@trpc-sse/protocol'
import { memoryBackend } from '@trpc-sse/server'
import { expect, it, vi } from 'vitest'
import { follow } from '../support/follow.ts'
import { range } from '../support/numbers.ts'
import { startApp } from './app.ts'
import { startSdk } from './sdk.ts'

// https://github.com/artifact-keeper/artifact-keeper/issues/2220
it('requests for paths that nobody serves add no series', async () => {
  await using app = await startApp()
  const probe = (path: string) => fetch(`${app.server.url}/${path}?input={"id":"a"}`)
  const headers = { accept: 'text/event-stream' }
  const probes = range(1, 50).map((n) => fetch(`${app.server.url}/.env.${n}`, { headers }))
  for (const response of await Promise.all(probes)) await response.text()
  await (await probe('onMessage/../.git')).text()
  const text = await app.sdk.text()
  expect(text).not.toContain('.env')
  expect(text).not.toContain('.git')
  const series = text.split('\n').filter((line) => /^trpc_sse_(failed|refused)/.test(line))
  expect(series.length).toBeLessThanOrEqual(2)
})

const ids = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'] as const

// https://github.com/DataDog/dd-trace-py/pull/4791
// https://github.com/open-telemetry/opentelemetry-java/issues/1674
it.each([
  [`00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, 1],
  [`00-${ids.join('-')}-00`, 1],
  [`00-${ids.join('-').toUpperCase()}-01`, 0],
  [`ff-${ids.join('-')}-01`, 0],
  [`.0-${ids.join('-')}-01`, 0],
  [`00-${ids.join('-')}-01-more`, 0],
  [`00-${ids.join('-')}-01\n`, 0],
  [[`00-${ids.join('-')}-01`], 0],
  [{ toString: 1, valueOf: 1 }, 0],
])('an event that carries %j has as many process spans as that is valid', async (parent, spans) => {
  await using sdk = await startSdk()
  const trace = openTelemetry(sdk)
  const data = { traceparent: parent }
  const event: TracedEvent = { path: 'onNews', input: {}, subscribedAt: 0, id: '1-0', data }
  trace('received', event)
  trace('delivered', event)
  expect(sdk.spans()).toHaveLength(spans)
})

it('an event of wrappers in wrappers costs no more than others', async () => {
  await using sdk = await startSdk()
  const trace = openTelemetry(sdk)
  let data: object = { traceparent: `00-${ids.join('-')}-01` }
  for (let n = 0; n < 100_000; n++) data = { type: 'delta', data }
  const event: TracedEvent = { path: 'onNews', input: {}, subscribedAt: 0, id: '1-0', data }
  trace('delivered', event)
  expect(sdk.spans()).toEqual([])
})

// https://github.com/open-telemetry/semantic-conventions/pull/895
it('a clock of the store that is ahead makes no latency negative', async () => {
  const ahead = { ...systemClock, now: () => Date.now() + 3_600_000 }
  await using app = await startApp({ backend: memoryBackend({ clock: ahead }) })
  const followed = follow(app.client, 'onMessage', { id: 'secret' })
  await followed.nextMany(3)
  await app.room.publish({ text: 'from the future' })
  await followed.next()
  for (const place of ['socket', 'handler']) {
    const name = `trpc_sse_publish_to_${place}_duration`
    await vi.waitFor(async () => expect(await app.sdk.metric(`${name}_count`)).toBe(1))
    expect(await app.sdk.metric(`${name}_sum`)).toBe(0)
  }
  followed.unsubscribe()
})
