import { createTRPCUntypedClient, type OperationResultEnvelope, type TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type Observer, observable } from '@trpc/server/observable'
import { systemClock } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import { createDevtools } from './create-devtools.ts'
import { createDevtools as createDisabled } from './disabled/index.ts'
import { recordingLink } from './link.ts'
import { OfflineSwitch } from './network/offline.ts'
import { Recorder } from './record/recorder.ts'

type Envelopes = Observer<OperationResultEnvelope<unknown, never>, never>

/** A client whose link is in the hands of the test. */
function setup({ link } = createDevtools()) {
  const observers: Envelopes[] = []
  let unsubscribed = 0
  const end: TRPCLink<AnyTRPCRouter> = () => () =>
    observable((observer) => {
      observers.push(observer as Envelopes)
      return () => {
        unsubscribed += 1
      }
    })
  const client = createTRPCUntypedClient({ links: [link(), end] })
  return { client, observers, unsubscribed: () => unsubscribed }
}

it.each([
  ['devtools', createDevtools()],
  ['disabled devtools', createDisabled()],
])('%s change nothing for the app', async (_, devtools) => {
  const { client, observers, unsubscribed } = setup(devtools)
  const seen: unknown[] = []
  const subscription = client.subscription('onMessage', undefined, {
    onStarted: () => seen.push('started'),
    onData: (event) => seen.push(event),
    onComplete: () => seen.push('complete'),
  })
  observers[0]?.next({ result: { type: 'started' } })
  observers[0]?.next({ result: { data: 1 } })
  observers[0]?.next({ result: { id: '1-0', data: { id: '1-0', data: 2 } } })
  observers[0]?.complete()
  subscription.unsubscribe()
  expect(seen).toEqual(['started', 1, { id: '1-0', data: 2 }, 'complete'])
  client.subscription('onMessage', undefined, {}).unsubscribe()
  expect(unsubscribed()).toBeGreaterThan(0)
  const query = client.query('get')
  await Promise.resolve()
  observers.at(-1)?.next({ result: { data: 3 } })
  observers.at(-1)?.complete()
  expect(await query).toBe(3)
})

it('uses the fetch of the options', async () => {
  const { fetch } = createDevtools().options({
    url: '/trpc',
    fetch: async (url: string, _init: RequestInit) => new Response(url),
  })
  expect(await (await fetch('/a', {})).text()).toBe('/a')
})

it('disabled devtools return the options as they are', () => {
  const options = { url: '/trpc' }
  expect(createDisabled().options(options)).toBe(options)
})

// https://github.com/appium/appium-support/pull/56
it('keeps no huge ids of events', () => {
  const recorder = new Recorder(systemClock)
  const offline = new OfflineSwitch(systemClock, recorder, () => {})
  const huge = 'x'.repeat(1_000_000)
  const end: TRPCLink<AnyTRPCRouter> = () => (call) =>
    observable((observer) => {
      const onGap = call.op.context.onGap as (gap: object) => void
      onGap({ reason: 'trimmed', lastEventId: huge })
      observer.next({ result: { id: huge, data: { id: huge, data: 1 } } })
    })
  const link = recordingLink<AnyTRPCRouter>(recorder, offline)
  const client = createTRPCUntypedClient({ links: [link, end] })
  const seen: unknown[] = []
  client.subscription('onMessage', undefined, { onData: (event) => seen.push(event) })
  expect(seen).toEqual([{ id: huge, data: 1 }])
  const kept = JSON.stringify([...recorder.timeline.newestFirst(), ...recorder.running.values()])
  expect(kept.length).toBeLessThan(20_000)
})
