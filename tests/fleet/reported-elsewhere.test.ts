/** Failures that users of other products have reported, tried on limits and logouts of a fleet. */
import { setTimeout } from 'node:timers/promises'

import { initTRPC, TRPCError } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { type Backend, channel, createChannels, memoryBackend } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startChildServer } from '../support/child-server.ts'
import { follow, untypedClient } from '../support/follow.ts'
import { ask, listen, openRaw, type RawStream } from '../support/http.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createLimitedServer, type LimitedServerOptions, limitedBackend } from './limited-app.ts'

/** Starts an instance in this process. */
async function startInstance(stack: AsyncDisposableStack, options: LimitedServerOptions) {
  const { server, link, channels } = createLimitedServer(options)
  stack.defer(() => channels.close())
  const { url } = stack.use(await listen(server))
  return { url, link }
}

/** Starts an instance as a process. */
async function startProcess(stack: AsyncDisposableStack, { url }: RedisServer) {
  const module = new URL('./limited-server.ts', import.meta.url)
  const child = stack.use(await startChildServer(module, { REDIS_URL: url, LIMITS: '{}' }))
  return { url: `http://127.0.0.1:${child.port}`, child }
}

/** Opens a stream of a user, and resolves to `connected`, or to the limit that refused it. */
async function open(
  { url }: { readonly url: string },
  user = 'ann',
): Promise<{ readonly stream: RawStream; readonly result: string }> {
  const stream = await openRaw(`${url}/onNumber`, { headers: { user } })
  const { event, data } = await stream.next()
  const result = event === 'connected' ? event : (/\((\w+)\)/.exec(data)?.[1] ?? data)
  return { stream, result }
}

// https://github.com/apache/apisix/issues/12823
it('streams that close while Redis is away do not count when it is back', async () => {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const proxy = stack.use(await startTcpProxy(redis.port))
  const limits = { connectionsPerKey: 2 }
  const url = `redis://127.0.0.1:${proxy.port}`
  const far = await startInstance(stack, { backend: limitedBackend(url), limits })
  const near = await startInstance(stack, { backend: limitedBackend(redis.url), limits })
  const held = [await open(far), await open(far)]
  expect(held.map(({ result }) => result)).toEqual(['connected', 'connected'])
  expect((await open(near)).result).toBe('connectionsPerKey')
  proxy.refusing = true
  proxy.cut()
  for (const { stream } of held) stream.leave()
  await expect.poll(() => far.link.stats().connections).toBe(0)
  proxy.refusing = false
  const results = async (): Promise<string> => (await open(near)).result
  await expect.poll(results, { timeout: 20_000 }).toBe('connected')
  await expect.poll(results, { timeout: 20_000 }).toBe('connected')
  expect(await results()).toBe('connectionsPerKey')
}, 60_000)

// https://github.com/socketio/socket.io-redis-streams-adapter/issues/6
it.each(['killed', 'frozen'])(
  'a logout does not wait for an instance that was %s',
  async (how) => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await startRedis())
    const near = await startInstance(stack, { backend: limitedBackend(redis.url), limits: {} })
    const lost = await startProcess(stack, redis)
    const held = [await open(near), await open(lost)]
    expect(held.map(({ result }) => result)).toEqual(['connected', 'connected'])
    if (how === 'killed') await lost.child.kill()
    else lost.child.child.kill('SIGSTOP')
    expect(await near.link.disconnect({ key: 'ann' }, 'signed out')).toBe(1)
    await expect.poll(() => near.link.stats().connections).toBe(0)
    if (how === 'killed') return
    // The order reaches the frozen one when it continues.
    lost.child.child.kill('SIGCONT')
    expect((await held[1]?.stream.over)?.by).toBe('end')
  },
  60_000,
)

// https://github.com/aerogear/keycloak-connect-graphql/issues/124
it.each(['multiplexed', 'single'] as const)(
  'a revoked user has no stream on any instance, gets a typed error, and does not try again (%s)',
  async (mode) => {
    await using stack = new AsyncDisposableStack()
    const backend = memoryBackend()
    const revoked = new Set<string>()
    const checks: string[] = []
    const start = () => startRevoking(stack, { ...backend, close: async () => {} }, revoked, checks)
    const instances = [await start(), await start()]
    const followed = instances.map(({ url }) =>
      follow(
        untypedClient(sseLink({ url, mode, headers: { user: 'ann' }, retry: { baseMs: 5 } })),
        'onNumber',
      ),
    )
    for (const one of followed) while ((await one.next())[0] !== 'started');
    revoked.add('ann')
    expect(await instances[0]?.link.disconnect({ key: 'ann' }, 'revoked')).toBe(2)
    for (const one of followed) {
      let news = await one.next()
      while (news[0] !== 'error') news = await one.next()
      expect(news[1]).toMatchObject({ data: { code: 'UNAUTHORIZED' } })
    }
    for (const { link } of instances) expect(link.stats().connections).toBe(0)
    // One check each when the streams were opened, and one when they ended.
    expect(checks).toHaveLength(4)
  },
)

const t = initTRPC.context<{ user: string }>().create()

/** Starts an instance that refuses revoked users. */
async function startRevoking(
  stack: AsyncDisposableStack,
  backend: Backend,
  revoked: ReadonlySet<string> = new Set(),
  checks: string[] = [],
  expiresAt?: () => number,
) {
  const channels = createChannels({
    backend,
    channels: { numbers: channel({ event: z.number() }) },
  })
  stack.defer(() => channels.close())
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const options = {
    channels,
    retryMs: 5,
    ...(expiresAt && { expiresAt }),
    createContext({ req }: { req: { headers: Record<string, string> } }) {
      const user = req.headers.user ?? ''
      checks.push(user)
      if (revoked.has(user)) throw new TRPCError({ code: 'UNAUTHORIZED' })
      return { user }
    },
    connectionKey: (ctx: unknown) => (ctx as { user: string }).user,
  }
  return stack.use(await serveRouter(router, options))
}

// https://github.com/binary-com/websockets/issues/35
it('users behind one address do not use up the limits of each other', async () => {
  await using stack = new AsyncDisposableStack()
  const backend = memoryBackend()
  const limits = { connectionsPerKey: 1, connectsPerKeyAndMinute: 2 }
  const instance = await startInstance(stack, { backend, limits })
  const users = Array.from({ length: 100 }, (_, i) => `user ${i}`)
  const noisy = await Promise.all(users.map(() => open(instance, 'noisy')))
  expect(noisy.filter(({ result }) => result === 'connected')).toHaveLength(1)
  const attempts = await Promise.all(users.map((user) => open(instance, user)))
  expect(new Set(attempts.map(({ result }) => result))).toEqual(new Set(['connected']))
})

// https://github.com/feathersjs/feathers/issues/1546
it.each([90, 36_500, Infinity])(
  'a token that is valid for %d days ends no stream',
  async (days) => {
    await using stack = new AsyncDisposableStack()
    const expiresAt = () => Date.now() + days * 86_400_000
    const instance = await startRevoking(stack, memoryBackend(), new Set(), [], expiresAt)
    const { stream, result } = await open(instance)
    expect(result).toBe('connected')
    await Promise.race([stream.over, setTimeout(200)])
    expect(instance.link.stats().connections).toBe(1)
  },
)

// https://github.com/auth0/node-jsonwebtoken/issues/488
it('the `exp` of a JWT, in seconds, is an error of the app: no user is asked for a new token', async () => {
  await using stack = new AsyncDisposableStack()
  const exp = () => Math.floor(Date.now() / 1_000) + 3_600
  const instance = await startRevoking(stack, memoryBackend(), new Set(), [], exp)
  const { text } = await ask(`${instance.url}/onNumber`)
  expect(text).toContain('multiply it by 1,000')
  expect(text).not.toContain('UNAUTHORIZED')
})
