import { createTRPCClient, retryLink } from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { systemClock } from '@trpc-sse/protocol'
import { channel, createChannels, type ServerLinkOptions } from '@trpc-sse/server'
import {
  type CreateHTTPContextOptions,
  createHTTPServer,
} from '@trpc-sse/server/adapters/standalone'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { manualClock } from '../support/manual-clock.ts'

interface Context {
  readonly user: string
  readonly token: string | undefined
}

type KeyOption = Pick<ServerLinkOptions<never>, 'connectionKey'>

/** A server that requires the token `new`, and a client with `retryLink` in front of the link. */
async function setup(options: Partial<SseLinkBaseOptions>, key: KeyOption = {}) {
  const clock = manualClock()
  const channels = createChannels({ channels: { texts: channel({ event: z.string() }) } })
  const t = initTRPC.context<Context>().create()
  const calls = createInbox<string | undefined>()
  const router = t.router({
    onOpen: t.procedure.subscription((opts) => channels.texts().subscribe(opts)),
    onText: t.procedure.subscription((opts) => {
      calls.put(opts.ctx.token)
      if (opts.ctx.token !== 'new') throw new TRPCError({ code: 'UNAUTHORIZED' })
      return channels.texts().subscribe(opts)
    }),
  })
  const createContext = ({ req }: CreateHTTPContextOptions): Context => ({
    user: 'ann',
    token: req.headers.authorization,
  })
  const app = await listen(
    createHTTPServer({ router, channels, createContext, ...(key as object) }),
  )
  let requests = 0
  const retried: string[] = []
  const client = createTRPCClient<typeof router>({
    links: [
      retryLink({
        retry({ error }) {
          retried.push(error.message)
          return true
        },
      }),
      sseLink({
        url: app.url,
        clock,
        fetch(url, init) {
          requests++
          return fetch(url, init)
        },
        ...options,
      }),
    ],
  })
  return {
    client,
    clock,
    calls,
    channels,
    retried,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await channels.close()
    },
  }
}

afterEach(() => vi.restoreAllMocks())

describe.each(['single', 'multiplexed'] as const)(
  'retryLink in front of a link in %s mode',
  (mode) => {
    it("P37: can't loop: its restarts wait longer and longer, and the console gets one message", async () => {
      const warn = vi.spyOn(console, 'warn').mockReturnValue()
      await using s = await setup({ mode, headers: { authorization: 'old' } })
      const states = createInbox<string>()
      const subscription = s.client.onText.subscribe(undefined, {
        onConnectionStateChange: ({ state, error }) =>
          states.put(error ? `${state}: ${error.message}` : state),
      })
      // The first retry is immediate, because a new token may be all it takes.
      expect(await s.calls.takeMany(2)).toEqual(['old', 'old'])
      for (const wait of [125, 250, 500, 1_000]) {
        await s.clock.due(wait)
        const before = s.requests()
        s.clock.advance(wait - 1)
        expect([s.calls.items.length, s.requests()]).toEqual([s.retried.length, before])
        s.clock.advance(1)
        expect(await s.calls.take()).toBe('old')
      }
      expect(states.items).toContain('connecting: UNAUTHORIZED')
      expect(warn.mock.calls.map(([text]) => text)).toEqual([
        'onText has failed 3 times in a row. It is tried less and less often.',
      ])
      subscription.unsubscribe()
    })

    it.each([
      ['that knows who it is by a key', { connectionKey: (ctx: Context) => ctx.user }],
      ['that goes by its credentials', {}],
    ])(
      'succeeds with a new token, at a server %s, and nothing else is disturbed',
      async (_what, key) => {
        let token = 'old'
        const headers = (): Record<string, string> => ({ authorization: token })
        await using s = await setup({ mode, headers, clock: systemClock }, key as KeyOption)
        const other = createInbox<string>()
        s.client.onOpen.subscribe(undefined, {
          onStarted: () => other.put('started'),
          onData: ({ data }) => other.put(data),
          onConnectionStateChange: ({ state }) => state !== 'pending' && other.put(state),
        })
        expect(await other.takeMany(2)).toEqual(['connecting', 'started'])
        token = 'new'
        const texts = createInbox<string>()
        const subscription = s.client.onText.subscribe(undefined, {
          onStarted: () => texts.put('started'),
          onData: ({ data }) => texts.put(data),
        })
        await expect.poll(() => s.calls.items.at(-1)).toBe('new')
        await expect.poll(() => texts.items.at(-1)).toBe('started')
        await s.channels.texts().publish('hello')
        await expect.poll(() => texts.items.at(-1)).toBe('hello')
        expect(await other.take()).toBe('hello')
        expect(s.retried.length).toBeLessThanOrEqual(1)
        subscription.unsubscribe()
      },
    )
  },
)
