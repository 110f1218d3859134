import { Session } from 'node:inspector/promises'
import type { AnyTRPCRouter } from '@trpc/server'
import { encode } from '@trpc-sse/protocol'
import { expect, it } from 'vitest'
import { untypedClient } from '../../../tests/support/follow.ts'
import { sseLink } from './index.ts'

type Mode = 'single' | 'multiplexed'

/** A server for one stream, in either mode. It answers with the text that the test writes. */
function streamOf(mode: Mode) {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let key: string | undefined
  const write = (text: string): void => controller?.enqueue(new TextEncoder().encode(text))
  async function fetch(_url: string, init: RequestInit): Promise<Response> {
    const body = new ReadableStream<Uint8Array>({
      start(given) {
        controller = given
      },
    })
    const named = { event: mode === 'single' ? 'connected' : '$connected' }
    write(encode({ ...named, data: '{"connectionId":"c"}' }))
    if (mode === 'multiplexed') {
      key = Object.keys(JSON.parse(String(init.body)).subscriptions)[0] ?? ''
      write(encode({ event: '$started', data: JSON.stringify({ key }) }))
    }
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const event = (n: number): string =>
    encode({ ...(key !== undefined && { event: key }), data: String(n), id: `${n}-0` })
  return { fetch, write: (...ns: readonly number[]) => write(ns.map(event).join('')) }
}

/** Follows one stream; `onData` is called with every event of it. */
async function follow(mode: Mode, onData: (data: unknown) => void) {
  const { fetch, write } = streamOf(mode)
  const link = sseLink<AnyTRPCRouter>({ url: 'http://server', fetch, mode })
  const subscription = await new Promise<{ unsubscribe(): void }>((resolve) => {
    const started = untypedClient(link).subscription('path', undefined, {
      onData,
      onStarted: () => queueMicrotask(() => resolve(started)),
    })
  })
  return { write, unsubscribe: () => subscription.unsubscribe() }
}

const isOurs = (file: string): boolean =>
  /packages\/(client|protocol)\/src\//.test(file) && !file.includes('.test.')

/** Our own functions on the stack when an event arrives, innermost first. */
async function stackOf(mode: Mode): Promise<readonly string[]> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = Infinity
  try {
    const stack = await new Promise<string>((resolve) => {
      void follow(mode, () => resolve(String(new Error('An event arrived.').stack))).then(
        ({ write }) => write(1),
      )
    })
    return stack.split('\n').filter(isOurs)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Our own functions that are called for every event, on its way to `onData` and afterwards. */
async function callsPerEvent(mode: Mode): Promise<readonly string[]> {
  const events = 1_000
  let arrived = 0
  const followed = await follow(mode, () => arrived++)
  using session = inspector()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  followed.write(...Array.from({ length: events }, (_, i) => i + 1))
  await expect.poll(() => arrived).toBe(events)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result
    .filter(({ url }) => isOurs(url) && !url.endsWith('/encode.ts'))
    .flatMap(({ url, functions }) =>
      functions.flatMap(({ functionName, ranges }) => {
        // vitest compiles module imports to anonymous functions.
        const calls = functionName === '' ? 0 : Math.round((ranges[0]?.count ?? 0) / events)
        return Array<string>(calls).fill(`${url.replace(/.*\/packages\//, '')} ${functionName}`)
      }),
    )
}

function inspector() {
  const session = new Session()
  session.connect()
  return Object.assign(session, { [Symbol.dispose]: () => session.disconnect() })
}

it.each(['single', 'multiplexed'] as const)(
  'an event in %s mode is at most 20 functions from its bytes to onData',
  async (mode) => {
    const stack = await stackOf(mode)
    expect(stack.length).toBeGreaterThan(5)
    expect(stack.length, stack.join('\n')).toBeLessThanOrEqual(20)
  },
)

it.each(['single', 'multiplexed'] as const)(
  'an event in %s mode calls at most 25 different functions, and none of them more than five times',
  async (mode) => {
    const calls = await callsPerEvent(mode)
    const names = [...new Set(calls)]
    expect(names.length).toBeGreaterThan(5)
    expect(names.length, names.join('\n')).toBeLessThanOrEqual(25)
    const counts = names.map((name) => calls.filter((call) => call === name).length)
    expect(Math.max(...counts)).toBeLessThanOrEqual(5)
  },
)
