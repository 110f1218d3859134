import { initTRPC } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { ask, openRaw } from '../../../../../tests/support/http.ts'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import { serveRouter } from '../../../../../tests/support/router-server.ts'
import type { ConnectionLimits } from '../connection/limits.ts'
import { createServerLink } from '../server-link.ts'

const t = initTRPC.context<{ user: string }>().create()
const router = t.router({
  stays: t.procedure.subscription(async function* ({ signal }) {
    yield 'in'
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }),
  ends: t.procedure.subscription(async function* () {}),
})

function serve(limits: Partial<ConnectionLimits>) {
  return serveRouter(router, {
    clock: manualClock(),
    createContext: ({ req }: { req: { headers: Record<string, string> } }) => ({
      user: req.headers.user,
    }),
    connectionKey: (ctx: unknown) => (ctx as { user: string }).user,
    limits,
  })
}

const headers = { user: 'ann' }

/** Opens a stream with subscriptions to these paths. */
function openSet(url: string, ...paths: readonly string[]) {
  const subscriptions = Object.fromEntries(paths.map((path, i) => [`key${i}`, { path }]))
  return openRaw(`${url}/~sse`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ version: 1, revision: 1, subscriptions }),
  })
}

describe('limits.subscriptionsPerKey', () => {
  it('ends the subscriptions beyond it with an error, and no others', async () => {
    await using server = await serve({ subscriptionsPerKey: 3 })
    using first = await openSet(server.url, 'stays', 'stays')
    await expect.poll(() => server.link.stats().subscriptions).toBe(2)
    using second = await openSet(server.url, 'stays', 'stays')
    let message = await second.next()
    while (message.event !== '$error') message = await second.next()
    expect(message.data).toContain(
      'The limit of 3 subscriptions for one user (subscriptionsPerKey)',
    )
    expect(message.data).toContain('TOO_MANY_REQUESTS')
    await expect.poll(() => server.link.stats().subscriptions).toBe(3)
    const alone = await ask(`${server.url}/stays`, { headers })
    expect(alone.text).toContain('(subscriptionsPerKey)')
    first.leave()
    await expect.poll(() => server.link.stats().subscriptions).toBe(1)
    using third = await openRaw(`${server.url}/stays`, { headers })
    expect(await third.next()).toMatchObject({ event: 'connected' })
  })

  it('doesn’t count subscriptions that have ended', async () => {
    await using server = await serve({ subscriptionsPerKey: 2 })
    using first = await openSet(server.url, 'stays', 'ends')
    await expect.poll(() => server.link.stats().subscriptions).toBe(1)
    for (let i = 0; i < 5; i++) await ask(`${server.url}/ends`, { headers })
    using second = await openRaw(`${server.url}/stays`, { headers })
    expect(await second.next()).toMatchObject({ event: 'connected' })
    expect(first.messages.map(({ event }) => event)).not.toContain('$error')
  })
})

describe('limits.connectsPerKeyAndMinute', () => {
  it('bounds how often a client connects, in each minute', async () => {
    const clock = manualClock()
    await using server = await serveRouter(router, {
      clock,
      createContext: () => ({ user: 'ann' }),
      connectionKey: () => 'ann',
      limits: { connectsPerKeyAndMinute: 3 },
    })
    const texts = []
    for (let i = 0; i < 4; i++) texts.push((await ask(`${server.url}/ends`)).text)
    expect(texts.map((text) => text.includes('(connectsPerKeyAndMinute)'))).toEqual([
      false,
      false,
      false,
      true,
    ])
    clock.advance(120_000)
    expect((await ask(`${server.url}/ends`)).text).not.toContain('connectsPerKeyAndMinute')
  })
})

describe('limits.scope', () => {
  it('says what is wrong if nothing counts for the fleet', () => {
    const create = (scope: unknown) => () =>
      createServerLink({
        router,
        createContext: () => ({ user: '' }),
        limits: { scope: scope as 'fleet' },
      })
    expect(create('fleet')).toThrow(/limits.scope is "fleet".*Pass the channels/)
    expect(create('galaxy')).toThrow(/limits.scope is "galaxy".*'process' or 'fleet'/)
    expect(create('process')).not.toThrow()
  })
})
