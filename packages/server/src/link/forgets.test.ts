import { EventEmitter, on } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { initTRPC } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { heapInUse } from '../../../../tests/support/heap.ts'
import { listen, openRaw, type RawStream } from '../../../../tests/support/http.ts'
import { createHTTPServer } from '../adapters/standalone.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'

interface Value {
  readonly n: number
}

/** Emits values, and shows which of them are still in memory. */
function createSource() {
  const emitter = new EventEmitter()
  const refs: WeakRef<Value>[] = []
  const emit = (): void => {
    const value = { n: refs.length }
    refs.push(new WeakRef(value))
    emitter.emit('value', value)
  }
  const held = (): (number | undefined)[] =>
    refs.map((ref) => ref.deref()?.n).filter((n) => n !== undefined)
  return { emitter, emit, held }
}

/** Opens a stream of `onValue`, and reads up to its start. */
async function openStream(url: string, mode: 'single' | 'multiplexed'): Promise<RawStream> {
  const body = JSON.stringify({
    version: 1,
    revision: 1,
    subscriptions: { a: { path: 'onValue' } },
  })
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  const stream =
    mode === 'single' ? await openRaw(`${url}/onValue`) : await openRaw(`${url}/~sse`, post)
  await stream.nextMany(mode === 'single' ? 1 : 2)
  return stream
}

describe('a sent value is not kept in memory until the next one', () => {
  const t = initTRPC.create()
  const subscriptions = {
    'an iterable': (emitter: EventEmitter) =>
      t.procedure.subscription(({ signal }) => on(emitter, 'value', signal ? { signal } : {})),
    'an observable': (emitter: EventEmitter) =>
      t.procedure.subscription(() =>
        observable<Value>((observer) => {
          emitter.on('value', observer.next)
          return () => emitter.off('value', observer.next)
        }),
      ),
  }

  it.each(
    Object.entries(subscriptions).flatMap(([name, create]) =>
      (['single', 'multiplexed'] as const).map((mode) => [name, mode, create] as const),
    ),
  )('by %s, in %s mode', async (_name, mode, create) => {
    const { emitter, emit, held } = createSource()
    const router = t.router({ onValue: create(emitter) })
    await using server = await listen(createHTTPServer({ router }))
    using stream = await openStream(server.url, mode)
    for (const _ of [0, 1]) emit()
    for (const n of [0, 1]) expect((await stream.next()).data).toContain(`"n":${n}`)
    await heapInUse()
    expect(held()).toEqual([])
  })
})

describe.each(['single', 'multiplexed'] as const)(
  'a stream of a channel, in %s mode, keeps',
  (mode) => {
    it('nothing of the call that created it', async () => {
      const channels = createChannels({
        channels: { values: channel({ event: z.object({ n: z.number() }) }) },
      })
      const t = initTRPC.create()
      const calls: WeakRef<object>[] = []
      const onValue = t.procedure.subscription((opts) => {
        const subscription = channels.values().subscribe(opts)
        calls.push(new WeakRef(opts), new WeakRef(subscription))
        return subscription
      })
      await using server = await listen(
        createHTTPServer({ router: t.router({ onValue }), channels }),
      )
      using stream = await openStream(server.url, mode)
      await heapInUse()
      expect(calls.map((call) => call.deref())).toEqual([undefined, undefined])
      await channels.values().publish({ n: 1 })
      // In single mode, the starting position comes first.
      expect((await stream.nextMany(mode === 'single' ? 2 : 1)).at(-1)?.data).toContain('"n":1')
    })
  },
)

it('a multiplexed stream keeps no listener that has read its body', async () => {
  const t = initTRPC.create()
  const onValue = t.procedure.subscription(({ signal }) =>
    on(new EventEmitter(), 'value', signal ? { signal } : {}),
  )
  const server = createHTTPServer({ router: t.router({ onValue }) })
  const requests: IncomingMessage[] = []
  server.on('request', (request: IncomingMessage) => requests.push(request))
  await using listening = await listen(server)
  using _one = await openStream(listening.url, 'multiplexed')
  using _other = await openStream(listening.url, 'multiplexed')
  // A listener that only one request has may hold parts of that request.
  const [one, other] = requests.map((request) =>
    ['data', 'end', 'close', 'error'].flatMap((event) => request.listeners(event)),
  )
  expect(one?.filter((listener) => !other?.includes(listener))).toEqual([])
})
