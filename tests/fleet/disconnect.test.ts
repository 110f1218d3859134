import { createServer } from 'node:http'
import { type AnyTRPCRouter, initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { type Backend, channel, createChannels, memoryBackend } from '@trpc-sse/server'
import { linkOf, nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Followed, follow, untypedClient } from '../support/follow.ts'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import {
  type RouterServer,
  type RouterServerOptions,
  serveRouter,
} from '../support/router-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

interface User {
  readonly user: string
}

/** The contexts that an instance creates: a test may hold them up. */
interface Contexts {
  /** Users whose access is checked, in order. */
  readonly checked: string[]
  hold: Promise<void> | undefined
}

/** The log of orders. */
const orders = { key: JSON.stringify(['~orders']), retain: { events: 1_000, forMs: 600_000 } }

const t = initTRPC.context<User>().create()

interface Instance extends RouterServer {
  readonly contexts: Contexts
  readonly backend: Backend
  readonly router: AnyTRPCRouter
  /** The options of its link. */
  readonly options: RouterServerOptions
  readonly publish: (n: number) => Promise<unknown>
}

/** Starts an instance of an app, whose users say who they are. */
async function startInstance(stack: AsyncDisposableStack, backend: Backend): Promise<Instance> {
  const channels = createChannels({
    backend,
    channels: { numbers: channel({ event: z.number() }) },
    onError() {},
  })
  stack.defer(() => channels.close())
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
    onOther: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const contexts: Contexts = { checked: [], hold: undefined }
  const options: RouterServerOptions = {
    channels,
    retryMs: 10,
    async createContext({ req }: { req: { headers: Record<string, string> } }): Promise<User> {
      const user = req.headers.user ?? ''
      contexts.checked.push(user)
      await contexts.hold
      return { user }
    },
    connectionKey: (ctx: unknown) => (ctx as User).user,
  }
  const server = stack.use(await serveRouter(router, options))
  const publish = (n: number): Promise<unknown> => channels.numbers().publish(n)
  return Object.assign(server, { contexts, backend, router, options, publish })
}

/** Serves the router of an instance once more, as the app of another listener. */
async function serveApp(
  stack: AsyncDisposableStack,
  { router, options }: Instance,
): Promise<{ readonly url: string }> {
  const handle = nodeHTTPRequestHandler as (call: object) => Promise<void>
  const server = createServer((req, res) => {
    const path = new URL(req.url ?? '', 'http://localhost').pathname.slice(1)
    void handle({ router, ...options, req, res, path })
  })
  return stack.use(await listen(server))
}

/** Subscribes as a user. Each has a connection of its own. */
async function subscribe(
  { url }: { readonly url: string },
  user: string,
  path = 'onNumber',
): Promise<Followed> {
  const link = sseLink({ url, headers: { user }, retry: { baseMs: 10, maxMs: 100 } })
  const followed = follow(untypedClient(link), path)
  while ((await followed.next())[0] !== 'started') {
    // States come before it.
  }
  return followed
}

const kinds = ['memory', 'redis'] as const

/** Starts instances over one backend, of each kind. */
async function startInstances(
  stack: AsyncDisposableStack,
  kind: (typeof kinds)[number],
  count = 3,
) {
  const shared = memoryBackend()
  const redis = kind === 'redis' ? stack.use(await startRedis()) : undefined
  const backend = (): Backend =>
    redis ? redisBackend({ url: redis.url }, { onError() {} }) : { ...openForAll(shared) }
  const instances: Instance[] = []
  for (let i = 0; i < count; i++) instances.push(await startInstance(stack, backend()))
  return instances
}

/** A memory backend for several instances: each of them would close it for the others. */
function openForAll(backend: Backend): Backend {
  return new Proxy(backend, {
    get(target, name) {
      if (name === 'close') return async () => {}
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** The checks of a user's access on all instances. */
const checksOf = (instances: readonly Instance[], user: string): number =>
  instances.flatMap(({ contexts }) => contexts.checked).filter((one) => one === user).length

describe.each(kinds)('disconnect of a fleet, in %s,', (kind) => {
  it('ends the streams of a user on every instance, resolves to their number, and ends no other', async () => {
    await using stack = new AsyncDisposableStack()
    const instances = await startInstances(stack, kind)
    const [first] = instances
    for (const instance of instances) {
      await subscribe(instance, 'ann')
      await subscribe(instance, 'ann')
      await subscribe(instance, 'bob')
    }
    expect(await first?.link.disconnect({ key: 'ann' }, 'signed out')).toBe(6)
    await expect.poll(() => checksOf(instances, 'ann')).toBe(12)
    expect(checksOf(instances, 'bob')).toBe(3)
    for (const { link } of instances) await expect.poll(() => link.stats().connections).toBe(3)
  })

  it('ends streams by the path of a subscription', async () => {
    await using stack = new AsyncDisposableStack()
    const instances = await startInstances(stack, kind, 2)
    const [first, second] = instances as [Instance, Instance]
    await subscribe(first, 'ann')
    await subscribe(second, 'ann', 'onOther')
    await subscribe(second, 'bob')
    expect(await second.link.disconnect({ path: 'onOther' })).toBe(1)
    expect(await second.link.disconnect({ path: 'onNumber', key: 'ann' })).toBe(1)
    expect(await second.link.disconnect({ key: 'nobody' })).toBe(0)
  })

  it('loses no event of a client that may come back', async () => {
    await using stack = new AsyncDisposableStack()
    const [first, second] = (await startInstances(stack, kind, 2)) as [Instance, Instance]
    const ann = await subscribe(second, 'ann')
    const received = createInbox<unknown>()
    void (async () => {
      for (;;) {
        const [what, detail] = await ann.next()
        if (what === 'data') received.put((detail as { data: number }).data)
      }
    })()
    await first.publish(1)
    const ended = first.link.disconnect({ key: 'ann' })
    for (const n of range(2, 50)) await first.publish(n)
    expect(await ended).toBe(1)
    await first.publish(51)
    expect(await received.takeMany(51)).toEqual(range(1, 51))
  })

  it('also ends a stream that another instance is opening', async () => {
    await using stack = new AsyncDisposableStack()
    const instances = await startInstances(stack, kind, 2)
    const [first, second] = instances as [Instance, Instance]
    await subscribe(second, 'bob')
    let release = (): void => {}
    second.contexts.hold = new Promise((resolve) => {
      release = resolve
    })
    const opening = subscribe(second, 'ann')
    await expect.poll(() => checksOf(instances, 'ann')).toBe(1)
    expect(await first.link.disconnect({ key: 'ann' })).toBe(0)
    second.contexts.hold = undefined
    release()
    await opening
    // Its first context was out of date.
    expect(checksOf(instances, 'ann')).toBe(2)
  })

  it('is one order for all apps of a router', async () => {
    await using stack = new AsyncDisposableStack()
    const [first, second] = (await startInstances(stack, kind, 2)) as [Instance, Instance]
    // Two more apps over the channels of the first instance.
    const apps = [await serveApp(stack, first), await serveApp(stack, first)]
    for (const app of [...apps, second]) await subscribe(app, 'ann')
    expect(await linkOf(first.router)?.disconnect({ key: 'ann' })).toBe(3)
    const { events } = await first.backend.read(orders, { last: 10, limit: 10 })
    expect(events.map(({ data }) => JSON.parse(data))).toMatchObject([{ key: 'ann' }])
  })
})

// On a busy machine, an instance may not learn its position in the log of orders in time. It then
// checks its clients once more, so these tests don't count checks exactly.
describe('disconnect of a fleet, when Redis fails,', () => {
  /** Starts an instance that reaches Redis through a proxy, and one that reaches it directly. */
  async function startTwo(stack: AsyncDisposableStack, redis: RedisServer) {
    const proxy = stack.use(await startTcpProxy(redis.port))
    const options = { onError() {}, commandTimeoutMs: 1_000, probeMs: 200 }
    const far = redisBackend({ url: `redis://127.0.0.1:${proxy.port}` }, options)
    const near = redisBackend({ url: redis.url }, options)
    return {
      proxy,
      far: await startInstance(stack, far),
      near: await startInstance(stack, near),
    }
  }

  it('reaches an instance that was cut off, as soon as it is back', async () => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const { proxy, far, near } = await startTwo(stack, redis)
    await subscribe(far, 'ann')
    await subscribe(near, 'ann')
    proxy.refusing = true
    proxy.cut()
    expect(await near.link.disconnect({ key: 'ann' })).toBe(1)
    await expect.poll(() => checksOf([near], 'ann')).toBeGreaterThan(1)
    const before = checksOf([far], 'ann')
    proxy.refusing = false
    await expect.poll(() => checksOf([far], 'ann'), { timeout: 20_000 }).toBeGreaterThan(before)
  })

  it('ends the streams of its own process, and rejects', async () => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const { proxy, far } = await startTwo(stack, redis)
    await subscribe(far, 'ann')
    proxy.refusing = true
    proxy.cut()
    await expect(far.link.disconnect({ key: 'ann' })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
    await expect.poll(() => checksOf([far], 'ann')).toBeGreaterThan(1)
  })

  it('lets the first stream open within seconds, and checks it again once orders can arrive', async () => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const { proxy, far, near } = await startTwo(stack, redis)
    proxy.refusing = true
    const opening = follow(
      untypedClient(sseLink({ url: far.url, headers: { user: 'ann' }, mode: 'single' })),
      'onNumber',
    )
    await expect.poll(() => checksOf([far], 'ann'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await near.link.disconnect({ key: 'ann' })).toBe(0)
    proxy.refusing = false
    await expect.poll(() => checksOf([far], 'ann'), { timeout: 50_000 }).toBeGreaterThan(1)
    opening.unsubscribe()
  }, 60_000)

  it('does nothing for what others wrote to its log', async () => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const { far } = await startTwo(stack, redis)
    await subscribe(far, 'ann')
    const foreign = redisBackend({ url: redis.url })
    stack.defer(() => foreign.close())
    const garbage = [
      'null',
      '{',
      '[]',
      '{"id":1}',
      '{"id":"x","from":"y"}',
      '{"id":"x","from":"y","key":1}',
    ]
    for (const text of garbage) {
      await foreign.append(orders, [text])
      await foreign.notify?.(orders, text)
    }
    await foreign.append(orders, ['{"id":"x","from":"y","key":"ann"}'])
    await expect.poll(() => checksOf([far], 'ann')).toBeGreaterThan(1)
  })
})
