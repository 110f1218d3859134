import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { initTRPC } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { shortHash } from '@trpc-sse/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { follow, untypedClient } from '../../../../tests/support/follow.ts'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { type SseFallback, sseLink } from '../index.ts'
import { createFallbackMemory } from './fallback.ts'

/** Stubs a page's `localStorage`, and returns its items. */
function stubStorage(): Map<string, string> {
  const items = new Map<string, string>()
  vi.stubGlobal('document', {})
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => items.set(name, value),
  })
  return items
}

afterEach(() => vi.unstubAllGlobals())

/** A memory, and the number of requests that reached the server. */
function memoryOf(clock: ManualClock = manualClock()) {
  const send = vi.fn(async () => new Response('', { status: 200 }))
  const memory = createFallbackMemory(clock, send)
  const ask = async (url = '/trpc/~sse?token=x'): Promise<number> =>
    (await memory.fetch(url, {})).status
  return { ...memory, clock, ask, asked: () => send.mock.calls.length }
}

describe('what a server without multiplexed mode has answered', () => {
  it('is also the answer on the next page, for an hour', async () => {
    const items = stubStorage()
    const first = memoryOf()
    expect(await first.ask()).toBe(200)
    first.remember(404)
    const next = memoryOf(first.clock)
    expect([await next.ask('/trpc/~sse?token=y'), next.asked()]).toEqual([404, 0])
    expect(await next.ask('/other/~sse')).toBe(200)
    first.clock.advance(3_600_000)
    expect(await memoryOf(first.clock).ask()).toBe(200)
    expect(JSON.stringify([...items])).not.toContain('token')
  })

  it('is forgotten when it turns out to have the mode', async () => {
    stubStorage()
    const first = memoryOf()
    await first.ask()
    first.remember(405)
    const next = memoryOf(first.clock)
    await next.ask()
    next.forget()
    expect(await memoryOf(first.clock).ask()).toBe(200)
  })

  it('is remembered of one server, the last', async () => {
    const items = stubStorage()
    const { ask, remember, clock } = memoryOf()
    for (const url of ['/one', '/two']) {
      await ask(url)
      remember(404)
    }
    const next = memoryOf(clock)
    expect([await next.ask('/one'), await next.ask('/two')]).toEqual([200, 404])
    expect(items.size).toBe(1)
  })

  it.each([
    '',
    '{',
    'null',
    `${shortHash('/trpc/~sse')} 200 1000000`,
    `${shortHash('/trpc/~sse')} 999 1000000`,
    `${shortHash('/trpc/~sse')} 404`,
    `${shortHash('/trpc/~sse')} 404 soon`,
    `${shortHash('/trpc/~sse')} 404 9000000`,
  ])('is nothing where something else is kept: %s', async (kept) => {
    stubStorage().set('trpc-sse:fallback', kept)
    const { ask, remember } = memoryOf()
    expect(await ask()).toBe(200)
    remember(404)
    expect(await ask()).toBe(404)
  })

  it('is kept by the link if there is no storage, or one that throws', async () => {
    const outside = memoryOf()
    await outside.ask()
    outside.remember(404)
    expect([await outside.ask(), outside.asked()]).toEqual([404, 1])
    expect(await memoryOf(outside.clock).ask()).toBe(200)
    const fail = (): never => {
      throw new Error('SecurityError')
    }
    vi.stubGlobal('document', {})
    vi.stubGlobal('localStorage', { getItem: fail, setItem: fail })
    expect([await outside.ask(), outside.asked()]).toEqual([404, 1])
    outside.forget()
    expect(await outside.ask()).toBe(200)
    outside.remember(404)
  })
})

describe("tRPC's own server", () => {
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure.subscription(async function* ({ signal }) {
      yield 1
      if (signal) await once(signal, 'abort')
    }),
  })
  const onError = vi.fn()
  const server = createHTTPServer({ router, onError: ({ path }) => onError(path) })
  beforeEach(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
  })

  it('is asked for the mode once, however many pages are loaded, and each page is notified', async () => {
    stubStorage()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const reported: SseFallback[] = []
    for (let page = 0; page < 3; page++) {
      const link = sseLink({ url, onFallback: (fallback) => reported.push(fallback) })
      const { nextMany, unsubscribe } = follow(untypedClient(link), 'onNumber')
      expect((await nextMany(4)).at(-1)).toEqual(['data', 1])
      unsubscribe()
    }
    expect(onError.mock.calls).toEqual([['~sse']])
    expect(reported.map(({ status }) => status)).toEqual([404, 404, 404])
  })
})
