import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { openRaw } from '../../../../tests/support/http.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { settled } from '../../../../tests/support/runs.ts'
import { memoryBackend } from '../backend/memory.ts'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'

const t = initTRPC.create()
const router = t.router({
  stays: t.procedure.subscription(async function* ({ signal }) {
    yield 'in'
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }),
})

/** Serves a router with channels of which one may be open at a time. */
async function setup() {
  const clock = manualClock()
  const backend = memoryBackend({ clock })
  const channels = createChannels({
    backend: { ...backend, close: async () => {} },
    clock,
    lingerMs: 0,
    maxOpenChannels: 1,
    channels: { numbers: channel({ params: undefined, event: { '~standard': anything } }) },
    onError() {},
  })
  const server = await serveRouter(router, { channels, clock })
  return { clock, channels, server }
}

const anything = {
  version: 1,
  vendor: 'test',
  validate: (value: unknown) => ({ value }),
} as const

describe('an instance whose channels are all in use', () => {
  it('checks its streams again, once it can learn who was disconnected', async () => {
    const { clock, channels, server } = await setup()
    await using _server = server
    const over = new AbortController()
    const reading = channels.numbers().subscribe({ signal: over.signal })[Symbol.asyncIterator]()
    const read = reading.next()
    using early = await openRaw(`${server.url}/stays`)
    await early.nextMany(2)
    over.abort()
    await read
    clock.advance(2_000)
    await settled()
    using late = await openRaw(`${server.url}/stays`)
    await late.nextMany(2)
    for (let i = 0; i < 60; i++) {
      clock.advance(1_000)
      await settled()
    }
    expect((await early.over).text).toContain('event: reconnect')
  })
})

describe('disconnect', () => {
  it.each([
    [{ key: null }],
    [{ key: 5 }],
    [{ key: 'ann', path: ['stays'] }],
    [{ key: 'ann' }, new Error('out')],
  ] as never[])('refuses %o, which would have no effect elsewhere', async (target, reason) => {
    const { server } = await setup()
    await using _server = server
    expect(() => server.link.disconnect(target, reason)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})
