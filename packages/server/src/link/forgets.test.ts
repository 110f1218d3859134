import { EventEmitter, on } from 'node:events'
import { initTRPC } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { describe, expect, it } from 'vitest'
import { heapInUse } from '../../../../tests/support/heap.ts'
import { listen, openRaw } from '../../../../tests/support/http.ts'
import { createHTTPServer } from '../adapters/standalone.ts'

interface Value {
  readonly n: number
}

/** Emits values, and tells whether somebody holds them. */
function createSource() {
  const emitter = new EventEmitter()
  const refs: WeakRef<Value>[] = []
  const emit = (): void => {
    const value = { n: refs.length }
    refs.push(new WeakRef(value))
    emitter.emit('value', value)
  }
  const held = (): (number | undefined)[] => refs.map((ref) => ref.deref()?.n).filter((n) => n !== undefined)
  return { emitter, emit, held }
}

describe('a value that was sent is not kept until the next one', () => {
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
    const body = JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path: 'onValue' } } })
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    using stream =
      mode === 'single' ? await openRaw(`${server.url}/onValue`) : await openRaw(`${server.url}/~sse`, post)
    await stream.nextMany(mode === 'single' ? 1 : 2)
    for (const _ of [0, 1]) emit()
    for (const n of [0, 1]) expect((await stream.next()).data).toContain(`"n":${n}`)
    await heapInUse()
    expect(held()).toEqual([])
  })
})
