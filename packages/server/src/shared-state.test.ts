import { initTRPC, tracked } from '@trpc/server'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { listen, openRaw, subscriptionUrl } from '../../../tests/support/http.ts'
import { isTracked } from './shared-state.ts'

/** Loads another copy of this package, as in an app whose bundler includes it several times. */
async function anotherCopy(): Promise<typeof import('./index.ts')> {
  vi.resetModules()
  return await import('./index.ts')
}

describe('copies of this package in one process', () => {
  it.each(['onEvent', 'iterated'])('serve each other’s subscriptions: %s', async (path) => {
    const one = await anotherCopy()
    const two = await anotherCopy()
    expect(one.createChannels).not.toBe(two.createChannels)
    const channels = one.createChannels({ channels: { log: one.channel({ event: z.number() }) } })
    const t = initTRPC.create()
    const router = t.router({
      onEvent: t.procedure.input(z.string()).subscription((opts) => channels.log().subscribe(opts)),
      iterated: t.procedure.input(z.string()).subscription(async function* (opts) {
        yield* channels.log().subscribe(opts)
      }),
    })
    const link = two.createServerLink({ router, channels })
    await using server = await listen((request, response) => void link.node(request, response))
    const [first, next] = await channels.log().publishMany([1, 2])
    // The id can't be added to a string input, so it must reach the subscription by the call's
    // signal.
    const query = { input: 'text', lastEventId: `${first?.id}` }
    using stream = await openRaw(subscriptionUrl(server.url, path, query))
    await stream.next()
    expect(await stream.next()).toMatchObject({ event: 'message', data: '2', id: next?.id })
    await channels.close()
  })

  it('recognize tracked values of another copy of tRPC', () => {
    expect(isTracked(tracked('1', 'a'))).toBe(true)
    expect(isTracked(['1', 'a', Symbol('of another copy')])).toBe(true)
    expect([['1', 'a', null], ['1', 'a'], [1, 'a', Symbol('x')], 'text'].map(isTracked)).toEqual(
      Array.from({ length: 4 }, () => false),
    )
  })
})
