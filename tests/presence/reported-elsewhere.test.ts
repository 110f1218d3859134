/** Failures that users of other products with presence have reported, tried on ours. */
import { initTRPC, TRPCError } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { memoryBackend } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { follow, untypedClient } from '../support/follow.ts'
import { serveRouter } from '../support/router-server.ts'
import { inTime, settled } from '../support/runs.ts'
import { createApp, setup, watch } from './memory-room.ts'

// https://github.com/beyondcode/laravel-websockets/issues/362
it.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  'a member with three tabs joins with the first one and leaves with the last one (closed: %s)',
  async (order) => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    const { changes } = watch(first.presence)
    await pass(1)
    const tabs = [await hold(first, 'ann'), await hold(second, 'ann'), await hold(first, 'ann')]
    for (const [i, tab] of order.entries()) {
      await pass(10)
      expect(await members(), `${i} are closed`).toEqual(['ann'])
      tabs[tab]?.()
    }
    await pass(10)
    expect(changes()).toEqual([
      { type: 'set', key: 'ann', value: 'ann' },
      { type: 'removed', key: 'ann' },
    ])
  },
)

// https://github.com/supabase/realtime-js/issues/244
it('a member that changes its value has not left and joined: it is one change', async () => {
  const { clock, first, second, pass } = setup({ instances: 2 })
  const { changes } = watch(second.presence)
  await pass(1)
  const { signal } = new AbortController()
  const held = await inTime(clock, first.presence.hold({ signal }, { key: 'ann', value: 'here' }))
  await inTime(clock, held.update('away'))
  await pass(1)
  expect(changes()).toEqual([
    { type: 'set', key: 'ann', value: 'here' },
    { type: 'set', key: 'ann', value: 'away' },
  ])
})

// https://github.com/supabase/realtime/issues/2196
it('who joins after reading has begun, or reads after joining, sees who was there before', async () => {
  const { first, second, hold, pass } = setup({ instances: 2 })
  await hold(first, 'early')
  const reader = watch(second.presence)
  await pass(1)
  await hold(second, 'late')
  const joined = watch(second.presence)
  await pass(1)
  for (const { view } of [reader, joined])
    expect([...view.members.keys()].sort()).toEqual(['early', 'late'])
})

// https://github.com/phoenixframework/phoenix/issues/2255
it('readers that connect and reconnect while members come and go see exactly who is there', async () => {
  const { clock, first, second, hold, members, pass } = setup({ instances: 2 })
  const readers: ReturnType<typeof watch>[] = []
  const releases: (() => void)[] = []
  for (let i = 0; i < 60; i++) {
    const app = i % 2 === 0 ? first : second
    releases.push(await hold(app, `user ${i % 20}`))
    if (i % 3 === 0) releases.splice(i % releases.length, 1)[0]?.()
    readers.push(watch(app.presence))
    clock.advance(i * 7)
    // It may not have got its snapshot yet, or be in the middle of changes.
    const [cut] = readers.splice((i * 5) % readers.length, 1)
    cut?.stop()
    readers.push(watch(second.presence, cut?.view))
    await settled()
  }
  for (const release of releases.splice(0, releases.length / 2)) release()
  await pass(10)
  const there = await members()
  expect(there.length).toBeGreaterThan(0)
  expect(readers).toHaveLength(60)
  for (const { view } of readers) expect([...view.members.keys()].sort()).toEqual(there)
})

// https://github.com/fluxerapp/fluxer/pull/2298
it.each([
  ['less', 2],
  ['more', 20],
])(
  'an instance that was cut off for %s than a lease brings nobody back who has left meanwhile',
  async (_, seconds) => {
    const { first, second, hold, members, pass } = setup({ instances: 2 })
    await hold(first, 'bob')
    const release = await hold(second, 'ann')
    const { changes } = watch(first.presence)
    await pass(1)
    release()
    await pass(4)
    // The grace period ends while it is away.
    second.state.isAway = true
    await pass(seconds)
    second.state.isAway = false
    await pass(30)
    expect(await members()).toEqual(['bob'])
    expect(changes()).toEqual([{ type: 'removed', key: 'ann' }])
  },
)

// https://github.com/get-convex/presence/pull/43
it('a subscription that ends before its member is stored leaves nobody behind', async () => {
  const { clock, first, members, pass } = setup()
  const { changes } = watch(first.presence)
  await pass(1)
  for (const msBefore of [0, 10, 20, 30]) {
    const over = new AbortController()
    const holding = first.presence.hold({ signal: over.signal }, { key: 'ann', value: 'ann' })
    await settled()
    clock.advance(msBefore)
    over.abort()
    await inTime(clock, holding)
  }
  await pass(10)
  expect(await members()).toEqual([])
  expect(changes()).toEqual([
    { type: 'set', key: 'ann', value: 'ann' },
    { type: 'removed', key: 'ann' },
  ])
})

// https://github.com/basementstudio/website-2k25/pull/497
it('a tab that is shown and hidden all the time costs one step in 20 ms, and nobody sees it', async () => {
  const { clock, counts, first, hold, members, pass } = setup()
  const { changes } = watch(first.presence)
  let release = await hold(first, 'ann')
  await pass(1)
  const before = counts.changes
  for (let i = 0; i < 200; i++) {
    release()
    const over = new AbortController()
    void first.presence.hold({ signal: over.signal }, { key: 'ann', value: 'ann' })
    release = () => over.abort()
    clock.advance(1)
    await settled()
  }
  await pass(1)
  // Ten in 200 ms, and heartbeats.
  expect(counts.changes - before).toBeLessThanOrEqual(12)
  expect(await members()).toEqual(['ann'])
  expect(changes()).toEqual([{ type: 'set', key: 'ann', value: 'ann' }])
})

// https://github.com/SocketCluster/sc-stateless-presence/issues/5
it('a subscription that held several members leaves with all of them', async () => {
  const { clock, first, members, pass } = setup()
  const over = new AbortController()
  for (const key of ['guest', 'ann', 'guest'])
    await inTime(clock, first.presence.hold({ signal: over.signal }, { key, value: key }))
  expect(await members()).toEqual(['ann', 'guest'])
  over.abort()
  await pass(10)
  expect(await members()).toEqual([])
})

// https://github.com/pusher/pusher-js/issues/528
it('keys that look like numbers or properties remain the texts that they are', async () => {
  const { first, second, hold, members, pass } = setup({ instances: 2 })
  const keys = ['1', '01', '1.0', '10', '2', '__proto__', 'constructor', 'length', ' 1']
  const { view } = watch(second.presence)
  for (const key of keys) await hold(first, key, `value of ${key}`)
  await pass(1)
  expect(await members()).toEqual([...keys].sort())
  expect(view.members).toEqual(new Map(keys.map((key) => [key, `value of ${key}`])))
})

const t = initTRPC.context<{ user: string }>().create()

/** Serves a room to users who say who they are, unless they are banned. */
async function serveRoom(stack: AsyncDisposableStack) {
  const channels = createApp(memoryBackend())
  stack.defer(() => channels.close())
  const { presence } = channels.room('a')
  const banned = new Set<string>()
  const input = z.object({ key: z.string(), how: z.enum(['live', 'throw', 'return', 'yield']) })
  const router = t.router({
    onMember: t.procedure.input(input).subscription(async function* (opts) {
      const { key, how } = opts.input
      await presence.hold(opts, { key, value: key })
      if (how === 'throw') throw new TRPCError({ code: 'FORBIDDEN' })
      if (how !== 'return') yield 'held'
      if (how === 'live')
        await new Promise((resolve) => opts.signal?.addEventListener('abort', resolve))
    }),
  })
  const server = stack.use(
    await serveRouter(router, {
      channels,
      createContext({ req }: { req: { headers: Record<string, string> } }) {
        const user = req.headers.user ?? ''
        if (banned.has(user)) throw new TRPCError({ code: 'UNAUTHORIZED' })
        return { user }
      },
      connectionKey: (ctx: unknown) => (ctx as { user: string }).user,
    }),
  )
  const clientOf = (user: string, mode: 'multiplexed' | 'single') =>
    untypedClient(sseLink({ url: server.url, mode, headers: { user } }))
  const members = async (): Promise<readonly string[]> =>
    (await presence.entries()).entries.map(([key]) => key).sort()
  return { server, banned, clientOf, members }
}

// https://github.com/get-convex/presence/pull/43
it.each(
  (['multiplexed', 'single'] as const).flatMap((mode) =>
    (['throw', 'return', 'yield'] as const).map((how) => [mode, how] as const),
  ),
)(
  'a member leaves with its own subscription, and not with the stream (%s, %s)',
  async (mode, how) => {
    await using stack = new AsyncDisposableStack()
    const { clientOf, members } = await serveRoom(stack)
    const client = clientOf('ann', mode)
    stack.defer(follow(client, 'onMember', { key: 'ann', how: 'live' }).unsubscribe)
    await expect.poll(members).toEqual(['ann'])
    const ended = follow(client, 'onMember', { key: 'guest', how })
    while (!/^(error|complete|stopped)$/.test((await ended.next())[0])) {
      // States and values come before it.
    }
    await expect.poll(members).toEqual(['ann'])
  },
)

// https://github.com/woogles-io/liwords/pull/91
it.each(['multiplexed', 'single'] as const)(
  'a user who is logged out everywhere leaves the room, and does not come back (%s)',
  async (mode) => {
    await using stack = new AsyncDisposableStack()
    const { server, banned, clientOf, members } = await serveRoom(stack)
    const followed = follow(clientOf('ann', mode), 'onMember', { key: 'ann', how: 'live' })
    const other = follow(clientOf('bob', mode), 'onMember', { key: 'bob', how: 'live' })
    stack.defer(other.unsubscribe)
    await expect.poll(members).toEqual(['ann', 'bob'])
    banned.add('ann')
    expect(await server.link.disconnect({ key: 'ann' }, 'signed out')).toBe(1)
    await expect.poll(members).toEqual(['bob'])
    await expect
      .poll(() => followed.news.find(([what]) => what === 'error')?.[1])
      .toMatchObject({ data: { code: 'UNAUTHORIZED' } })
  },
)
