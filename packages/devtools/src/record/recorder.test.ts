import { systemClock } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import { Recorder } from './recorder.ts'

const recorderAt = (now: number): Recorder => new Recorder({ ...systemClock, now: () => now })
const kinds = (recorder: Recorder): string[] =>
  [...recorder.timeline.newestFirst()].map(({ kind }) => kind)

it('follows a subscription from its start to its end', () => {
  const recorder = recorderAt(5)
  const record = recorder.subscription('onMessage', { room: 'a' })
  expect([...recorder.running.values()]).toEqual([
    {
      number: 1,
      path: 'onMessage',
      input: '{ room: "a" }',
      since: 5,
      status: 'connecting',
      lastEventId: undefined,
      events: 0,
      gaps: 0,
      reconnects: 0,
      reason: undefined,
    },
  ])
  record.started()
  record.event('1-0', 'one')
  record.event(undefined, 'two')
  record.gap('trimmed', '1-0')
  record.reconnecting(new Error('lost'))
  expect(recorder.running.get(1)).toMatchObject({
    status: 'reconnecting',
    lastEventId: '1-0',
    events: 2,
    gaps: 1,
    reconnects: 1,
    reason: 'lost',
  })
  record.started()
  record.ended('complete')
  record.ended('unsubscribed')
  record.failed(new Error('late'))
  expect(recorder.running.size).toBe(0)
  expect([...recorder.ended.newestFirst()]).toMatchObject([{ status: 'complete' }])
  expect(kinds(recorder).reverse()).toEqual([
    'subscribed',
    'started',
    'event',
    'event',
    'gap',
    'reconnecting',
    'started',
    'complete',
  ])
})

it('keeps bounded memory, except for running subscriptions', () => {
  const recorder = recorderAt(0)
  const records = Array.from({ length: 2_000 }, (_, number) => recorder.subscription('a', number))
  for (let number = 0; number < 2_000; number += 1) recorder.request('POST', '/').ended('over')
  expect(recorder.running.size).toBe(2_000)
  for (const record of records) record.ended('unsubscribed')
  expect(recorder.running.size).toBe(0)
  expect(recorder.ended.size).toBe(100)
  expect(recorder.requests.size).toBe(100)
  expect(recorder.timeline.size).toBe(1_000)
})

it('forgets what is over', () => {
  const recorder = recorderAt(0)
  recorder.subscription('a', 1).ended('complete')
  recorder.subscription('b', 2)
  recorder.request('POST', '/over').ended('answered 200', 200)
  const open = recorder.request('POST', '/open')
  open.opened(200)
  recorder.clear()
  expect(recorder.running.size).toBe(1)
  expect(recorder.ended.size + recorder.timeline.size).toBe(0)
  open.received(new Uint8Array(10))
  expect([...recorder.requests.newestFirst()]).toMatchObject([{ path: '/open', bytes: 10 }])
})

it('reads the frames of a stream, without the secret of the stream', () => {
  const recorder = recorderAt(7)
  const request = recorder.request('POST', '/trpc/~sse')
  const receive = (text: string): void => request.received(new TextEncoder().encode(text))
  receive('data: not a stream yet\n\n')
  request.opened(200)
  receive('event: $connected\ndata: {"connectionId":"secret","heartbeatMs":1}\n\nretry: 10\n:hi\n')
  receive('event: k1\nid: 1-0\nda')
  receive(`ta: ${'x'.repeat(5_000)}\n\n`)
  expect([...recorder.frames.newestFirst()].reverse()).toMatchObject([
    { event: '$connected', data: '{"connectionId":"…","heartbeatMs":1}' },
    { event: 'retry', data: '10 ms' },
    { event: 'comment', data: '' },
    { event: 'k1', id: '1-0', at: 7, request: 1, data: expect.stringMatching(/^x{1000}… \(5000/) },
  ])
})

it('counts the bytes of a stream that is too long to read', () => {
  const recorder = recorderAt(0)
  const request = recorder.request('POST', '/')
  request.opened(200)
  const chunk = new TextEncoder().encode('x'.repeat(10_000_000))
  for (let number = 0; number < 3; number += 1) request.received(chunk)
  expect([...recorder.requests.newestFirst()]).toMatchObject([{ bytes: 30_000_000 }])
})

it('calls listeners at each change, until they are removed', () => {
  const recorder = recorderAt(0)
  let changes = 0
  const remove = recorder.onChange(() => {
    changes += 1
  })
  recorder.note('offline', '')
  expect(changes).toBe(1)
  remove()
  recorder.note('online', '')
  expect(changes).toBe(1)
})
