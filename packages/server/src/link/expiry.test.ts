import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { ask, openRaw } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { type RouterServerOptions, serveRouter } from '../../../../tests/support/router-server.ts'

const t = initTRPC.create()
const router = t.router({
  silent: t.procedure.subscription(async function* ({ signal }) {
    yield tracked('1', 1)
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }),
})
const multiplexed = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    version: 1,
    revision: 1,
    subscriptions: { a: { path: 'silent' } },
  }),
}

async function setup(
  expiresAt: NonNullable<RouterServerOptions['expiresAt']>,
  more: RouterServerOptions = {},
) {
  const clock = manualClock()
  const server = await serveRouter(router, { clock, heartbeatMs: 600_000, ...more, expiresAt })
  return { clock, server, url: server.url, nowMs: clock.now() }
}

describe.each([
  ['single', '/silent', {}],
  ['multiplexed', '/~sse', multiplexed],
])('expiresAt, in %s mode,', (_mode, path, init) => {
  it('asks the client to reconnect five seconds before, and ends the stream then', async () => {
    let atMs = 0
    const { clock, server, url, nowMs } = await setup(() => new Date(atMs))
    await using _server = server
    atMs = nowMs + 60_000
    using stream = await openRaw(url + path, init)
    await stream.nextMany(2)
    clock.advance(54_000)
    expect(server.link.connections()).toHaveLength(1)
    clock.advance(1_500)
    let message = await stream.next()
    while (message.event !== 'reconnect' && message.event !== '$reconnect')
      message = await stream.next()
    expect(JSON.parse(message.data)).toMatchObject({ reason: 'max-duration' })
    expect(server.link.connections()).toHaveLength(1)
    clock.advance(5_000)
    await stream.over
    expect(server.link.connections()).toEqual([])
  })

  it.each([-3_600_000, 0, 4_000])(
    'refuses access that ends in %i ms, and opens no stream',
    async (leftMs) => {
      let atMs = 0
      const { server, url, nowMs } = await setup(() => atMs)
      await using _server = server
      atMs = nowMs + leftMs
      expect((await ask(url + path, init)).text).toContain('UNAUTHORIZED')
      expect(server.link.stats().connections).toBe(0)
    },
  )

  it('may return undefined for streams that don’t expire', async () => {
    const { clock, server, url } = await setup(() => undefined, { heartbeatMs: 1_000 })
    await using _server = server
    using stream = await openRaw(url + path, init)
    await stream.nextMany(2)
    clock.advance(300_000)
    expect(server.link.connections()).toHaveLength(1)
  })

  it.each([Number.NaN, 'soon', new Date('soon'), Promise.resolve(1)])(
    'refuses %s as a time, and opens no stream',
    async (value) => {
      const { server, url } = await setup(() => value as never)
      await using _server = server
      expect((await ask(url + path, init)).text).toMatch(
        /INTERNAL_SERVER_ERROR|UNPROCESSABLE_CONTENT/,
      )
      expect(server.link.stats().connections).toBe(0)
    },
  )
})
