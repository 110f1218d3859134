import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createTRPCClient, httpLink } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { type SseFallback, type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'

/** tRPC's own server of as many streams of numbers as are asked for, and our link in its default mode. */
async function setup(options: Partial<SseLinkBaseOptions> = {}) {
  const t = initTRPC.create({ sse: { ping: { enabled: true, intervalMs: 200 } } })
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input: { lastEventId } }) {
        const from = Number(lastEventId ?? 0) + 1
        // Cut after every fourth, as an error does that tRPC's own clients try again after.
        for (const n of range(from, from + 3)) yield tracked(String(n), n)
        throw new Error('again')
      }),
    add: t.procedure.input(z.number()).mutation(({ input }) => input + 1),
  })
  const server = createHTTPServer({ router })
  const asked: string[] = []
  server.on('request', ({ method, url = '' }) => asked.push(`${method} ${url.split('?', 1)[0]}`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const told: SseFallback[] = []
  const client = createTRPCClient<typeof router>({
    links: [
      sseLink({
        url,
        retry: { baseMs: 10, maxMs: 20 },
        onFallback: (fallback) => told.push(fallback),
        ...options,
      }),
      httpLink({ url }),
    ],
  })
  return {
    client,
    asked,
    told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('P63: a multiplexed link on a server of tRPC', () => {
  it('goes over to single mode by itself, says so once, and gives each subscription its run', async () => {
    await using s = await setup()
    const follow = (name: string) => {
      const numbers = createInbox<number>()
      const subscription = s.client.onNumber.subscribe({ name }, { onData: ({ data }) => numbers.put(data) })
      return { numbers, unsubscribe: () => subscription.unsubscribe() }
    }
    const first = range(1, 10).map((n) => follow(`log-${n}`))
    for (const { numbers } of first) expect(await numbers.takeMany(10)).toEqual(range(1, 10))
    const later = follow('later')
    expect(await later.numbers.takeMany(5)).toEqual(range(1, 5))
    expect(await s.client.add.mutate(1)).toBe(2)
    // One question, for all that there ever are.
    expect(s.asked.filter((one) => one.includes('~sse'))).toEqual(['POST /~sse'])
    expect(s.told).toEqual([{ status: expect.any(Number), message: expect.stringContaining('multiplexed') }])
    for (const { unsubscribe } of [...first, later]) unsubscribe()
  })

  it("asks for nothing where it is told so by mode: 'single'", async () => {
    await using s = await setup({ mode: 'single' })
    const numbers = createInbox<number>()
    const subscription = s.client.onNumber.subscribe(
      { name: 'one' },
      { onData: ({ data }) => numbers.put(data) },
    )
    expect(await numbers.takeMany(10)).toEqual(range(1, 10))
    expect(s.asked.filter((one) => one.includes('~sse'))).toEqual([])
    expect(s.told).toEqual([])
    subscription.unsubscribe()
  })
})
