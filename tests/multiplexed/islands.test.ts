import { once } from 'node:events'
import { setInterval } from 'node:timers/promises'
import { createTRPCClient } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { createChannels, memoryBackend } from '@trpc-sse/server'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openDoor } from '../support/door.ts'
import { range } from '../support/numbers.ts'
import { type RouterServerOptions, serveRouter } from '../support/router-server.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** Numbers that any instance can read, such as a database. The instances share nothing else. */
function createSource() {
  const counts = new Map<string, number>()
  const waiting = new Set<() => void>()
  return {
    count: (name: string): number => counts.get(name) ?? 0,
    add(name: string): void {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      for (const wake of [...waiting]) wake()
    },
    /** Resolves when a name has more than `after` numbers, or when the signal aborts. */
    async more(name: string, after: number, signal: AbortSignal | undefined): Promise<void> {
      while ((counts.get(name) ?? 0) <= after && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake)
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          waiting.add(wake)
          signal?.addEventListener('abort', wake)
        })
      }
    },
  }
}

/** Two instances behind a door, which share only the source of their numbers. */
async function setup(options: () => RouterServerOptions) {
  const source = createSource()
  const t = initTRPC.create()
  let running = 0
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ name: z.string(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input: { name, lastEventId }, signal }) {
        running += 1
        try {
          for (let n = Number(lastEventId ?? 0) + 1; !signal?.aborted; n++) {
            await source.more(name, n - 1, signal)
            if (!signal?.aborted) yield tracked(String(n), n)
          }
        } finally {
          running -= 1
        }
      }),
  })
  const servers = await Promise.all([0, 1].map(() => serveRouter(router, options())))
  let strays = 0
  for (const { server } of servers) {
    server.on('request', (_request, response) =>
      response.once('finish', () => {
        if (response.statusCode === 404) strays += 1
      }),
    )
  }
  const door = await openDoor(
    servers.map(({ server }) => (server.address() as { port: number }).port),
  )
  const client = createTRPCClient<typeof router>({
    links: [sseLink({ url: door.url, retry: { baseMs: 20, maxMs: 100 }, lingerMs: 10 })],
  })
  return {
    source,
    client,
    door,
    servers,
    running: () => running,
    /** Control requests that reached the instance that doesn't hold their stream. */
    strays: () => strays,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      for (const { server } of servers) {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
    },
  }
}

const links = [
  { kind: 'with no channels', options: () => ({}) },
  {
    kind: 'with a memory of its own each',
    options: () => ({ channels: createChannels({ backend: memoryBackend(), channels: {} }) }),
  },
]
const names = range(1, 8).map((n) => `log-${n}`)

describe.each(links)('two instances behind one door, $kind', ({ options }) => {
  it.each([1, 2])(
    'give each subscription its run, wherever control requests arrive (seed %i)',
    async (seed) => {
      await using s = await setup(options)
      const random = seededRandom(seed)
      const live = new Map<string, { numbers: number[]; unsubscribe(): void }>()
      const all: Array<{ name: string; numbers: number[] }> = []
      const errors: unknown[] = []
      function start(name: string): void {
        const numbers: number[] = []
        const subscription = s.client.onNumber.subscribe(
          { name },
          { onData: ({ data }) => numbers.push(data), onError: (error) => errors.push(error) },
        )
        live.set(name, { numbers, unsubscribe: () => subscription.unsubscribe() })
        all.push({ name, numbers })
      }
      let step = 0
      for await (const _ of setInterval(10)) {
        if (++step > 300) break
        const name = names[Math.floor(random() * names.length)] ?? ''
        if (random() < 0.1) {
          if (!live.has(name)) start(name)
          else if (live.size > 2) {
            live.get(name)?.unsubscribe()
            live.delete(name)
          }
        }
        for (const each of names) if (random() < 0.5) s.source.add(each)
        // Cut sockets from time to time. Through new sockets, control requests reach either
        // instance.
        if (random() < 0.005) s.door.cut()
      }
      await vi.waitFor(
        () => {
          for (const [name, { numbers }] of live) expect(numbers.at(-1)).toBe(s.source.count(name))
        },
        { timeout: 10_000, interval: 10 },
      )
      for (const { numbers } of all) expect(numbers).toEqual(range(1, numbers.length))
      expect(errors).toEqual([])
      expect(s.strays()).toBeGreaterThan(0)
      console.log(`${all.length} subscriptions, ${s.strays()} control requests went astray`)
      for (const { unsubscribe } of live.values()) unsubscribe()
      await expect.poll(() => s.running()).toBe(0)
      for (const { link } of s.servers)
        expect(link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
    },
  )
})
