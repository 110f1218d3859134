import { setTimeout } from 'node:timers/promises'
import { createTRPCClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import {
  type Backend,
  type ConnectionLimits,
  memoryBackend,
  type ServerLink,
} from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { openDoor } from '../support/door.ts'
import { listen, openRaw, type RawStream } from '../support/http.ts'
import { startRedis } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import {
  createLimitedServer,
  type LimitedRouter,
  type LimitedServerOptions,
  limitedBackend,
} from './limited-app.ts'

/** Starts an instance in this process. */
async function startInstance(stack: AsyncDisposableStack, options: LimitedServerOptions) {
  const { server, link, channels } = createLimitedServer(options)
  stack.defer(() => channels.close())
  const { url } = stack.use(await listen(server))
  return { url, link, channels }
}

/** Starts an instance as a process. */
async function startProcess(
  stack: AsyncDisposableStack,
  redisUrl: string,
  limits: Partial<ConnectionLimits>,
): Promise<ChildServer & { readonly url: string }> {
  const module = new URL('./limited-server.ts', import.meta.url)
  const env = { REDIS_URL: redisUrl, LIMITS: JSON.stringify(limits) }
  const child = stack.use(await startChildServer(module, env))
  return { ...child, url: `http://127.0.0.1:${child.port}` }
}

/** The key of Redis with the usage of Ann. */
const usageEntry = 'trpc-sse:{%5B%22~usage%22%2C%22key%20ann%22%5D}:entries'

/** A stream, and `connected`, or why it was refused. */
interface Attempt {
  readonly stream: RawStream
  readonly result: string
}

/** Opens a stream of a user in single mode. */
async function open({ url }: { readonly url: string }, user = 'ann'): Promise<Attempt> {
  const stream = await openRaw(`${url}/onNumber`, { headers: { user } })
  const { event, data } = await stream.next()
  const result = event === 'connected' ? event : (/\((\w+)\)/.exec(data)?.[1] ?? data)
  return { stream, result }
}

/** Opens streams until one is accepted. */
async function openUntilAccepted(instance: { readonly url: string }): Promise<void> {
  while ((await open(instance)).result !== 'connected') await setTimeout(100)
}

/** Subscribes with our client. Resolves to the numbers that it gets. */
async function subscribe(
  stack: AsyncDisposableStack,
  { url }: { readonly url: string },
  mode: 'multiplexed' | 'single',
  fetch?: typeof globalThis.fetch,
): Promise<readonly number[]> {
  const link = sseLink({
    url,
    mode,
    headers: { user: 'ann' },
    retry: { baseMs: 20, maxMs: 200 },
    onGap() {},
    ...(fetch && { fetch }),
  })
  const client = createTRPCClient<LimitedRouter>({ links: [link] })
  const numbers: number[] = []
  await new Promise<void>((resolve) => {
    const { unsubscribe } = client.onNumber.subscribe(undefined, {
      onStarted: () => resolve(),
      onData: ({ data }) => numbers.push(data),
    })
    stack.defer(unsubscribe)
  })
  return numbers
}

/** Opens a stream of a user in multiplexed mode, in place of another one. */
function openSet(
  { url }: { readonly url: string },
  user: string,
  replaces?: string,
): Promise<RawStream> {
  return openRaw(`${url}/~sse`, {
    method: 'POST',
    headers: { user, 'content-type': 'application/json' },
    body: JSON.stringify({
      version: 1,
      revision: 1,
      replaces,
      subscriptions: { key: { path: 'onNumber' } },
    }),
  })
}

/**
 * Creates a network that loses streams in silence: the client gets nothing more, and the server
 * isn't told that the client has left. New requests go to the given instance.
 */
function createNetwork(url: string) {
  const losses: Array<() => void> = []
  let target = url
  return {
    lose(nextUrl: string): void {
      target = nextUrl
      for (const loss of losses.splice(0)) loss()
    },
    async fetch(input: RequestInfo | URL | string, init?: RequestInit): Promise<Response> {
      const to = `${input}`.replace('http://app', target)
      const { body, status, headers } = await fetch(to, { ...init, signal: null })
      let isLost = false
      losses.push(() => {
        isLost = true
      })
      const received = new ReadableStream<Uint8Array>({
        async start(controller) {
          init?.signal?.addEventListener('abort', () => {
            isLost = true
            controller.error(init.signal?.reason)
          })
          for await (const chunk of body ?? []) if (!isLost) controller.enqueue(chunk)
          if (!isLost) controller.close()
        },
      })
      return new Response(received, { status, headers })
    },
  }
}

/** Opens streams, and leaves again, until one is refused. Resolves to the limit that refused it. */
async function refusal(instance: { readonly url: string }): Promise<string> {
  for (;;) {
    const { stream, result } = await open(instance)
    if (result !== 'connected') return result
    stream.leave()
    await setTimeout(100)
  }
}

/** The attempts that were accepted. */
const connected = (attempts: readonly Attempt[]): Attempt[] =>
  attempts.filter(({ result }) => result === 'connected')

/** A memory backend for several instances: each of them would close it for the others. */
function sharedMemory(): Backend {
  const backend = memoryBackend()
  return { ...backend, close: async () => {} }
}

const stores = {
  memory: async () => {
    const backend = sharedMemory()
    return () => backend
  },
  redis: async (stack: AsyncDisposableStack) => {
    const { url } = stack.use(await startRedis())
    return () => limitedBackend(url)
  },
} as const

describe.each(['memory', 'redis'] as const)('a limit over three instances, in %s,', (kind) => {
  it('holds for 1,000 racing connects, with clocks that are an hour apart', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 5 }
    const start = (clockErrorMs: number): Promise<{ url: string; link: ServerLink }> =>
      startInstance(stack, { backend: backend(), limits, clockErrorMs })
    const instances = [await start(-3_600_000), await start(0), await start(3_600_000)]
    let most = 0
    const count = (): void => {
      const open = instances.map(({ link }) => link.connections().length)
      most = Math.max(
        most,
        open.reduce((sum, one) => sum + one, 0),
      )
    }
    const attempts = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const attempt = await open(instances[i % 3] as { url: string })
        count()
        return attempt
      }),
    )
    expect(connected(attempts)).toHaveLength(5)
    expect(most).toBe(5)
    expect(new Set(attempts.map(({ result }) => result))).toEqual(
      new Set(['connected', 'connectionsPerKey']),
    )
    // Another user has room, and so does this one after a stream has ended.
    expect((await open(instances[0] as { url: string }, 'bob')).result).toBe('connected')
    connected(attempts)[0]?.stream.leave()
    expect((await open(instances[1] as { url: string })).result).toBe('connected')
  }, 60_000)

  it('lets every reload in at the limit, whichever instances have the old streams', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 3 }
    const instances = [
      await startInstance(stack, { backend: backend(), limits }),
      await startInstance(stack, { backend: backend(), limits }),
      await startInstance(stack, { backend: backend(), limits }),
    ]
    const at = (i: number) => instances[i % 3] as { url: string }
    let tabs = await Promise.all([0, 1, 2].map((i) => open(at(i))))
    for (let reload = 1; reload <= 20; reload++) {
      for (const { stream } of tabs) stream.leave()
      tabs = await Promise.all([0, 1, 2].map((i) => open(at(i + reload))))
      expect(tabs.map(({ result }) => result)).toEqual(['connected', 'connected', 'connected'])
    }
    expect((await open(at(0))).result).toBe('connectionsPerKey')
  })

  it('moves clients at the limit without a refusal when an instance drains', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 2 }
    const first = await startInstance(stack, { backend: backend(), limits })
    const second = await startInstance(stack, { backend: backend(), limits })
    const ports = [first, second].map(({ url }) => Number(new URL(url).port))
    const door = stack.use(await openDoor([ports[0] ?? 0]))
    const received: (readonly number[])[] = []
    for (const mode of ['multiplexed', 'single'] as const)
      received.push(await subscribe(stack, door, mode))
    await first.channels.numbers().publish(1)
    door.setPorts([ports[1] ?? 0])
    const draining = first.link.drain({ overMs: 100 })
    await second.channels.numbers().publish(2)
    await draining
    await second.channels.numbers().publish(3)
    await expect
      .poll(() => received)
      .toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ])
    expect(second.link.stats()).toMatchObject({ connections: 2, refused: 0 })
  })

  it('P69: lets a client in whose own stream was lost, and is still open for the server', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 1 }
    const first = await startInstance(stack, { backend: backend(), limits, heartbeatMs: 200 })
    const second = await startInstance(stack, { backend: backend(), limits, heartbeatMs: 200 })
    const network = createNetwork(first.url)
    const numbers = await subscribe(stack, { url: 'http://app' }, 'multiplexed', network.fetch)
    await first.channels.numbers().publish(1)
    await expect.poll(() => numbers).toEqual([1])
    // To the same instance, and to another one.
    for (const { url } of [first, second, second]) {
      network.lose(url)
      const next = numbers.length + 1
      await second.channels.numbers().publish(next)
      await expect.poll(() => numbers.at(-1), { timeout: 10_000 }).toBe(next)
    }
    expect(numbers).toEqual([1, 2, 3, 4])
    expect([first.link.stats(), second.link.stats()]).toMatchObject([
      { connections: 0, refused: 0 },
      { connections: 1, refused: 0 },
    ])
  })

  it('P69: ignores the connection id of another user', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 1 }
    const first = await startInstance(stack, { backend: backend(), limits })
    const second = await startInstance(stack, { backend: backend(), limits })
    const ann = await openSet(first, 'ann')
    const { connectionId } = JSON.parse((await ann.next()).data)
    for (const instance of [first, second]) {
      const bob = await openSet(instance, 'bob', connectionId)
      expect((await bob.next()).event).toBe('$connected')
      bob.leave()
    }
    const madeUp = ['', 'x', '__proto__', 'f'.repeat(16), `${'f'.repeat(16)}.x`]
    const answers = madeUp.map((replaces) => openSet(second, 'ann', replaces))
    for (const { status } of await Promise.all(answers)) expect(status).toBe(429)
    expect((await openSet(second, 'ann', 'x'.repeat(129))).status).toBe(400)
    expect(first.link.connections().map(({ key }) => key)).toEqual(['ann'])
    expect((await openSet(second, 'ann', connectionId)).status).toBe(200)
    expect((await ann.over).by).toBe('end')
  })

  it('bounds how often a client connects, however fast it leaves again', async () => {
    await using stack = new AsyncDisposableStack()
    const backend = await stores[kind](stack)
    const limits = { connectionsPerKey: 1_000, connectsPerKeyAndMinute: 50 }
    const instances = [
      await startInstance(stack, { backend: backend(), limits }),
      await startInstance(stack, { backend: backend(), limits }),
    ]
    const results = new Map<string, number>()
    const cycle = async (i: number): Promise<void> => {
      const { stream, result } = await open(instances[i % 2] as { url: string })
      results.set(result, (results.get(result) ?? 0) + 1)
      stream.leave()
    }
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 20 }, (_, n) => cycle(10 * i + n)))
    expect(Object.fromEntries(results)).toEqual({ connected: 50, connectsPerKeyAndMinute: 150 })
  })
})

// Both wait for leases to end, each test on its own Redis.
describe.concurrent('a limit over processes on Redis', () => {
  const limits = { connectionsPerKey: 5 }

  it('is free again within 15 seconds after an instance is killed', async ({ expect }) => {
    await using stack = new AsyncDisposableStack()
    const { url } = stack.use(await startRedis())
    const [first, second, third] = [
      await startProcess(stack, url, limits),
      await startProcess(stack, url, limits),
      await startProcess(stack, url, limits),
    ]
    const opened = [await open(first), await open(first), await open(first)]
    opened.push(await open(second), await open(third))
    expect(connected(opened)).toHaveLength(5)
    await first.kill()
    await expect
      .poll(async () => (await open(second)).result, { timeout: 15_000 })
      .toBe('connected')
    expect([(await open(third)).result, (await open(second)).result]).toEqual([
      'connected',
      'connected',
    ])
    expect((await open(third)).result).toBe('connectionsPerKey')
  }, 60_000)

  it('counts an instance once that was frozen for longer than its lease', async ({ expect }) => {
    await using stack = new AsyncDisposableStack()
    const { url } = stack.use(await startRedis())
    const frozen = await startProcess(stack, url, limits)
    const other = await startProcess(stack, url, limits)
    const held = [await open(frozen), await open(frozen), await open(other)]
    held.push(await open(other), await open(other))
    expect(connected(held)).toHaveLength(5)
    frozen.child.kill('SIGSTOP')
    await openUntilAccepted(other)
    expect((await open(other)).result).toBe('connected')
    frozen.child.kill('SIGCONT')
    // It is back with its two streams once it refuses: seven are open, and nobody has lost a lease.
    await expect.poll(async () => (await open(frozen)).result).toBe('connectionsPerKey')
    for (const { stream } of held.slice(2, 4)) stream.leave()
    expect((await open(other)).result).toBe('connectionsPerKey')
    held[4]?.stream.leave()
    expect((await open(frozen)).result).toBe('connected')
    expect((await open(other)).result).toBe('connectionsPerKey')
  }, 60_000)
})

describe.concurrent('a limit over the fleet, when Redis fails,', () => {
  const limits = { connectionsPerKey: 2 }

  it('applies to each process, which the app is told once, and to the fleet again afterwards', async ({
    expect,
  }) => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const proxy = stack.use(await startTcpProxy(redis.port))
    const reports: string[] = []
    const onError = (error: unknown, { stage }: { readonly stage: string }): void => {
      if (stage === 'limits') reports.push((error as Error).message)
    }
    const far = await startInstance(stack, {
      backend: limitedBackend(`redis://127.0.0.1:${proxy.port}`),
      limits,
      onError,
    })
    const near = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
    expect((await open(near)).result).toBe('connected')
    expect((await open(far, 'bob')).result).toBe('connected')
    proxy.refusing = true
    proxy.cut()
    const during = [await open(far), await open(far), await open(far)]
    expect(during.map(({ result }) => result)).toEqual([
      'connected',
      'connected',
      'connectionsPerKey',
    ])
    expect(reports).toEqual([expect.stringContaining('the backend is away')])
    proxy.refusing = false
    // Three are open: two must leave before the next one has room.
    expect(await refusal(near)).toBe('connectionsPerKey')
    during[0]?.stream.leave()
    expect((await open(far)).result).toBe('connectionsPerKey')
    during[1]?.stream.leave()
    expect((await open(far)).result).toBe('connected')
    expect(reports).toHaveLength(1)
  }, 60_000)

  it('counts an instance once after Redis was frozen for longer than its lease', async ({
    expect,
  }) => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const first = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
    const second = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
    const held = await open(first)
    expect((await open(second, 'bob')).result).toBe('connected')
    redis.freeze()
    // Redis carries out the command of this connect later, when the instance has another id.
    const during = await open(first)
    expect([held.result, during.result]).toEqual(['connected', 'connected'])
    await setTimeout(10_000)
    redis.thaw()
    await expect
      .poll(() => redis.admin.hget(usageEntry, 'usage'), { timeout: 20_000 })
      .toMatch(/^\S+:2:2$/)
    expect(await refusal(second)).toBe('connectionsPerKey')
    held.stream.leave()
    expect((await open(second)).result).toBe('connected')
  }, 60_000)

  it.for(['FLUSHALL', 'restart'])(
    'is known again within seconds after a %s',
    async (how, { expect }) => {
      await using stack = new AsyncDisposableStack()
      const redis = stack.use(await startRedis())
      const first = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
      const second = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
      // Orders may have been lost too, so both clients are moved to new streams.
      await subscribe(stack, first, 'multiplexed')
      await subscribe(stack, second, 'single')
      if (how === 'restart') await redis.restart()
      else await redis.admin.flushall()
      await expect
        .poll(() => redis.admin.hget(usageEntry, 'usage'), { timeout: 20_000 })
        .toMatch(/^\S+:1:1 \S+:1:1$/)
      expect(await refusal(first)).toBe('connectionsPerKey')
    },
  )
})
