import { systemClock } from '@trpc-sse/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { Recorder } from '../record/recorder.ts'
import { OfflineSwitch } from './offline.ts'
import { createRecordingFetch, type RecordingFetch } from './recording-fetch.ts'

let recorder: Recorder
let offline: OfflineSwitch
let requests: RecordingFetch
let wakes: number

beforeEach(() => {
  wakes = 0
  recorder = new Recorder(systemClock)
  offline = new OfflineSwitch({ ...systemClock, after: () => () => {} }, recorder, () => {
    wakes += 1
  })
  requests = createRecordingFetch(recorder, offline)
})

/** A stream that ends when the test says so. */
function openStream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const headers = { 'content-type': 'text/event-stream' }
  return { writer, response: new Response(readable, { headers }) }
}

const fetchOf = (response: Response) => requests.wrap(async () => response)
const last = () => [...recorder.requests.newestFirst()][0]
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

it('passes on the bytes of a stream, and counts them', async () => {
  const { writer, response } = openStream()
  const passed = await fetchOf(response)('https://host/trpc/~sse?token=secret', { method: 'POST' })
  const text = passed.text()
  await writer.write(bytes('data: 1\n\n'))
  expect(last()).toMatchObject({ path: '/trpc/~sse', status: 'open', httpStatus: 200 })
  await writer.close()
  expect(await text).toBe('data: 1\n\n')
  expect(last()).toMatchObject({ status: 'over', end: 'ended by the server', bytes: 9 })
})

it('returns any other answer as it is', async () => {
  const response = new Response('{}', { status: 503 })
  expect(await fetchOf(response)('/trpc', {})).toBe(response)
  expect(last()).toMatchObject({ status: 'over', end: 'answered 503', httpStatus: 503 })
})

it('reports the error of a request', async () => {
  const fetch = requests.wrap(() => Promise.reject(new TypeError('no route')))
  await expect(fetch('/trpc', {})).rejects.toThrow('no route')
  expect(last()).toMatchObject({ status: 'over', end: 'no route' })
})

it('reports the error of a stream', async () => {
  const { writer, response } = openStream()
  const passed = await fetchOf(response)('/trpc', {})
  const text = passed.text()
  await writer.abort(new TypeError('reset'))
  await expect(text).rejects.toThrow('reset')
  expect(last()).toMatchObject({ status: 'over', end: 'reset' })
})

it('ends a request when its caller aborts', async () => {
  const { response } = openStream()
  const abort = new AbortController()
  const passed = await fetchOf(response)('/trpc', { signal: abort.signal })
  const text = passed.text()
  abort.abort()
  await expect(text).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
  expect(last()).toMatchObject({ end: 'closed by the client' })
})

it('cuts one request, though fetch ignores signals', async () => {
  const [one, two] = [openStream(), openStream()]
  const first = (await fetchOf(one.response)('/one', {})).text()
  const second = (await fetchOf(two.response)('/two', {})).text()
  requests.cut(1)
  await expect(first).rejects.toThrow(TypeError)
  await two.writer.close()
  expect(await second).toBe('')
  requests.cut(1)
})

describe('offline', () => {
  it('breaks streams and requests, and refuses new ones', async () => {
    const { response } = openStream()
    const stream = (await fetchOf(response)('/stream', {})).text()
    const waiting = requests.wrap(() => new Promise(() => {}))('/waiting', {})
    offline.goOffline(10_000)
    await expect(stream).rejects.toThrow(TypeError)
    await expect(waiting).rejects.toThrow(TypeError)
    let isSent = false
    const fetch = requests.wrap(async () => {
      isSent = true
      return new Response()
    })
    await expect(fetch('/new', {})).rejects.toThrow(TypeError)
    expect(isSent).toBe(false)
    expect(wakes).toBe(0)
    offline.goOnline()
    await fetch('/new', {})
    expect([isSent, wakes]).toEqual([true, 1])
    offline.goOnline()
    expect(wakes).toBe(1)
  })
})
