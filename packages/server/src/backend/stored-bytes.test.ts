import { initTRPC } from '@trpc/server'
import superjson from 'superjson'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw } from '../../../../tests/support/http.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import type { Backend, StoredEvent } from './backend.ts'
import { memoryBackend } from './memory.ts'
import { payloadOf, payloadText, storedBytes } from './stored-bytes.ts'

/** A backend that returns every payload as bytes. */
function bytesBackend(change = (event: StoredEvent): StoredEvent => event): Backend {
  const inner = memoryBackend()
  return {
    ...inner,
    async read(...args) {
      const page = await inner.read(...args)
      const events = page.events.map(({ id, prev, data }) =>
        change(storedBytes(id, prev, new TextEncoder().encode(data))),
      )
      return { ...page, events }
    },
  }
}

const texts = ['plain', 'zwei ✓ 😀', '\u2028 and \u0000', 'x'.repeat(100_000)]
const event = z.object({ text: z.string(), at: z.date() })
const t = initTRPC.create({ transformer: superjson })

async function setup(backend: Backend) {
  const onError = vi.fn()
  const channels = createChannels({
    backend,
    onError,
    transformer: superjson,
    // A small window, so that every event is read from the backend.
    window: { events: 1 },
    channels: { log: channel({ event }) },
  })
  const log = channels.log()
  const published = texts.map((text, i) => ({ text, at: new Date(i) }))
  const [first] = await log.publishMany([
    published[0] ?? { text: '', at: new Date() },
    ...published,
  ])
  const lastEventId = first?.id ?? ''
  const router = t.router({ log: t.procedure.subscription((opts) => log.subscribe(opts)) })
  const server = await serveRouter(router, { channels })
  return {
    log,
    onError,
    published,
    lastEventId,
    server,
    async [Symbol.asyncDispose]() {
      await channels.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function take<T>(subscription: ChannelSubscription<T>, count: number): Promise<T[]> {
  const values: T[] = []
  for await (const [, value] of subscription) {
    values.push(value as T)
    if (values.length === count) break
  }
  return values
}

describe('an event of a backend that returns bytes', () => {
  it('reaches a client in single mode unchanged', async () => {
    await using s = await setup(bytesBackend())
    using stream = await openRaw(`${s.server.url}/log?lastEventId=${s.lastEventId}`)
    const [, ...events] = await stream.nextMany(texts.length + 1)
    expect(events.map(({ data }) => superjson.parse(data))).toEqual(s.published)
    expect(events.map(({ id }) => id)).toEqual(
      (await s.log.history({ last: texts.length })).events.map(({ id }) => id),
    )
  })

  it('reaches a client in multiplexed mode unchanged', async () => {
    await using s = await setup(bytesBackend())
    const subscriptions = { key: { path: 'log', lastEventId: s.lastEventId } }
    using stream = await openRaw(`${s.server.url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
    })
    const events = (await stream.nextMany(texts.length + 2)).filter((each) => each.event === 'key')
    expect(events.map(({ data }) => superjson.parse(data))).toEqual(s.published)
  })

  it('has its value in filter, map, live and history', async () => {
    await using s = await setup(bytesBackend())
    const { log, lastEventId, published } = s
    const count = texts.length
    const all = log.subscribe({ lastEventId })
    expect(
      await take(
        all.filter(({ at }) => at.getTime() >= 0),
        count,
      ),
    ).toEqual(published)
    expect(
      await take(
        all.map(({ text }) => text.length),
        count,
      ),
    ).toEqual(texts.map(({ length }) => length))
    expect(
      await take(
        log.live({ lastEventId }, () => null),
        count,
      ),
    ).toEqual(published.map((data) => ({ type: 'event', data })))
    const { events } = await log.history({ last: count })
    expect(events.map(({ data }) => data)).toEqual(published)
  })

  it('is skipped and reported if its bytes are not JSON', async () => {
    const broken = new TextEncoder().encode('\ufeff{}')
    await using s = await setup(
      bytesBackend((stored) =>
        stored.data.includes('zwei') ? storedBytes(stored.id, stored.prev, broken) : stored,
      ),
    )
    expect(await take(s.log.subscribe({ lastEventId: s.lastEventId }), texts.length - 1)).toEqual(
      s.published.filter(({ text }) => !text.includes('zwei')),
    )
    expect(s.onError.mock.calls.map(([error]) => error.code)).toEqual(['UNDECODABLE_EVENT'])
  })

  it('is written line by line if its JSON has line breaks', async () => {
    const pretty = '{"json":\r\n{"text":"a"}\n}'
    await using s = await setup(
      bytesBackend(({ id, prev }) => storedBytes(id, prev, new TextEncoder().encode(pretty))),
    )
    using stream = await openRaw(`${s.server.url}/log?lastEventId=${s.lastEventId}`)
    const [, first] = await stream.nextMany(2)
    expect(JSON.parse(first?.data ?? '')).toEqual(JSON.parse(pretty))
  })
})

describe('storedBytes', () => {
  const stored = storedBytes('2-0', '1-0', new TextEncoder().encode('"✓"'))

  it('has its bytes as text in data, like any stored event', () => {
    expect(stored).toEqual({ id: '2-0', prev: '1-0', data: '"✓"' })
    expect(payloadOf(stored)).toBeInstanceOf(Uint8Array)
    expect(payloadText(payloadOf(stored))).toBe('"✓"')
  })

  it('doesn’t pass its bytes to copies, which may have other data', () => {
    expect(payloadOf({ ...stored })).toBe('"✓"')
    expect(payloadOf({ ...stored, data: 'other' })).toBe('other')
  })
})
