import { format, inspect } from 'node:util'
import { type RedisBackendOptions, redisBackend } from '@trpc-sse/redis'
import type { ChannelLog } from '@trpc-sse/server'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RedisServer, startRedis } from './support/redis.ts'
import { startRedisCluster } from './support/redis-cluster.ts'
import { startRedisSentinels } from './support/redis-sentinels.ts'

const log: ChannelLog = { key: 'log', retain: { events: 100, forMs: 600_000 } }
const secret = 'hunter2-s3cret'
const silent = { onEvent() {}, onInterrupted() {} }

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
  const { admin } = server
  await admin.call('acl', 'setuser', 'good', 'on', `>${secret}`, '~*', '&*', '+@all')
  await admin.call('acl', 'setuser', 'off', 'off', `>${secret}`, '~*', '&*', '+@all')
  await admin.call('acl', 'setuser', 'mute', 'on', `>${secret}`, '~*', '+@all', 'resetchannels')
  await admin.call('acl', 'setuser', 'nothing', 'on', `>${secret}`, '-@all')
  await admin.call('acl', 'setuser', 'default', '>an admin’s')
})
afterAll(() => server[Symbol.asyncDispose]())

/**
 * Returns all texts of a value: its properties, those of all values that it refers to, and its
 * printed form.
 */
function textsOf(value: unknown, seen: Set<unknown> = new Set()): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  if (seen.has(value)) return []
  seen.add(value)
  const own = Reflect.ownKeys(value).flatMap((key) => [
    String(key),
    ...textsOf(Reflect.get(value, key), seen),
  ])
  return [
    ...own,
    inspect(value, { showHidden: true, depth: Infinity }),
    JSON.stringify(value),
    String(value),
  ]
}

/** Collects the errors that a backend rejects with or reports to `onError`, and its log. */
async function everythingReported(
  target: Parameters<typeof redisBackend>[0],
  options: RedisBackendOptions = {},
): Promise<{ readonly errors: readonly unknown[]; readonly text: string }> {
  const errors: unknown[] = []
  const spies = (['log', 'info', 'warn', 'error'] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...args) => void errors.push(...args)),
  )
  const onError = (error: unknown): void => void errors.push(error)
  try {
    const backend = redisBackend(target, { commandTimeoutMs: 300, ...options, onError })
    const outcomes = await Promise.allSettled([
      backend.append(log, ['1']),
      backend.read(log, { last: 1, limit: 1 }),
      backend.listen(log, silent),
    ])
    for (const outcome of outcomes) if (outcome.status === 'rejected') errors.push(outcome.reason)
    await backend.close()
  } catch (error) {
    errors.push(error)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return { errors, text: errors.flatMap((error) => textsOf(error)).join('\n') }
}

/** Checks that errors were reported, and that none contains the secret. */
function expectNoSecret({ errors, text }: Awaited<ReturnType<typeof everythingReported>>): void {
  expect(errors.length).toBeGreaterThan(0)
  expect(text).not.toContain(secret)
  expect(text).not.toContain(encodeURIComponent(secret))
}

interface ClientOptions {
  readonly port: number
  readonly username?: string
  readonly password: string
  readonly protocol: 2 | 3
}

function client(options: ClientOptions): { readonly redis: Redis } {
  return { redis: new Redis({ host: '127.0.0.1', lazyConnect: true, ...options }) }
}

describe('errors of a Redis that can’t be used contain no credential', () => {
  const users = ['good-but-unknown', 'off', 'nothing', 'mute']
  const protocols = [2, 3] as const

  it.each(users)('given in a URL: the user is %s', async (user) => {
    expectNoSecret(
      await everythingReported({ url: `redis://${user}:${secret}@127.0.0.1:${server.port}` }),
    )
  })

  it.each(users.flatMap((user) => protocols.map((protocol) => [user, protocol] as const)))(
    'given in a client: the user is %s, with RESP%i',
    async (username, protocol) => {
      const login = { username, password: secret, port: server.port, protocol }
      expectNoSecret(await everythingReported(client(login)))
    },
  )

  it('given by credentials(), for a disabled user, a wrong password, or an error of the app', async () => {
    const target = { url: `redis://127.0.0.1:${server.port}` }
    expectNoSecret(
      await everythingReported(target, {
        credentials: () => ({ username: 'off', password: secret }),
      }),
    )
    expectNoSecret(
      await everythingReported(target, { credentials: async () => ({ password: secret }) }),
    )
    const failing = {
      credentials: () => Promise.reject(Object.assign(new Error('no token'), { token: secret })),
    }
    const reported = await everythingReported(target, failing)
    expectNoSecret(reported)
    expect(reported.text).toContain('no token')
  })

  it.each([
    `redis://:${secret}@127.0.0.1:99999`,
    `redis:/:${secret}@127.0.0.1`,
    `:${secret}@127.0.0.1:6379`,
    `default:${secret}@127.0.0.1`,
    `redis://default:12/${secret}@127.0.0.1`,
    `redis://:x#${secret}@127.0.0.1`,
    `redis://:${secret}%zz@127.0.0.1`,
    `redis://:${secret}@[nonsense]`,
    `http://:${secret}@127.0.0.1`,
    `REDISS//:${secret}@127.0.0.1`,
    secret,
  ])('given in an invalid URL: %s', async (url) => {
    const reported = await everythingReported({ url })
    expectNoSecret(reported)
    expect(reported.errors).toMatchObject([{ code: 'INVALID_OPTION' }])
  })

  it('given in a URL of a closed port, a port without TLS, or an unknown host', async () => {
    expectNoSecret(await everythingReported({ url: `redis://:${secret}@127.0.0.1:1` }))
    expectNoSecret(
      await everythingReported({ url: `rediss://:${secret}@127.0.0.1:${server.port}` }),
    )
    expectNoSecret(await everythingReported({ url: `redis://:${secret}@no-such-host.invalid` }))
  })

  it('given in a client that was created with an invalid URL', async () => {
    const redis = new Redis(`redis:/:${secret}@127.0.0.1`, { lazyConnect: true })
    expectNoSecret(await everythingReported({ redis }))
  })

  it('repeated by a server in its error reply', async () => {
    await using old = await startRedis({
      args: ['--rename-command', 'HELLO', '', '--rename-command', 'AUTH', ''],
    })
    for (const protocol of protocols)
      expectNoSecret(
        await everythingReported(client({ port: old.port, password: secret, protocol })),
      )
  })

  it('given for Sentinels, or for their master', async () => {
    await using master = await startRedis()
    await using sentinels = await startRedisSentinels(master, {
      count: 1,
      replicas: 0,
      password: 'theirs',
    })
    const { name, sentinels: addresses } = sentinels.options
    const options = { name, sentinels: [...addresses] }
    await master.admin.call('acl', 'setuser', 'default', '>an admin’s')
    for (const login of [
      { sentinelPassword: secret },
      { sentinelPassword: 'theirs', username: 'nobody', password: secret },
    ])
      expectNoSecret(
        await everythingReported({ redis: new Redis({ ...options, ...login, lazyConnect: true }) }),
      )
  })

  it('given for a Cluster, or for one of its nodes', async () => {
    await using cluster = await startRedisCluster()
    for (const { admin } of cluster.nodes)
      await admin.call('acl', 'setuser', 'default', '>an admin’s')
    const port = cluster.nodes[0]?.port ?? 0
    const options = { lazyConnect: true }
    const login = { username: 'nobody', password: secret }
    // A node may have its own password, which the types of ioredis lack.
    const node = { port, host: '127.0.0.1', password: secret }
    for (const redis of [
      new Cluster([{ port, host: '127.0.0.1' }], { ...options, redisOptions: login }),
      new Cluster([node], options),
      new Cluster([`redis://:${secret}@127.0.0.1:${port}`], options),
    ])
      expectNoSecret(await everythingReported({ redis }))
  })
})

describe('errors of a Redis that can’t be used', () => {
  it('still say what is wrong', async () => {
    const { errors } = await everythingReported({
      url: `redis://off:${secret}@127.0.0.1:${server.port}`,
    })
    expect(errors).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('WRONGPASS') }),
    )
    const refusing = await everythingReported({ url: `redis://:${secret}@127.0.0.1:1` })
    expect(refusing.errors).toContainEqual(
      expect.objectContaining({
        code: 'BACKEND_UNAVAILABLE',
        cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
      }),
    )
  })

  it('can be read and printed, whatever credentials() and onError throw', async () => {
    const unreadable = (): never => {
      throw Object.defineProperties(new Error('no'), {
        message: { get: unreadable },
        name: { get: unreadable },
        [inspect.custom]: { get: unreadable },
      })
    }
    const escaped: unknown[] = []
    const onEscaped = (error: unknown): void => void escaped.push(error)
    process.on('unhandledRejection', onEscaped)
    const shown = vi.spyOn(console, 'error').mockImplementation((...what) => void format(...what))
    const reported: unknown[] = []
    const backend = redisBackend(
      { url: server.url },
      {
        commandTimeoutMs: 200,
        credentials: unreadable,
        onError(error) {
          reported.push(inspect(error))
          unreadable()
        },
      },
    )
    await expect(backend.append(log, ['1'])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await vi.waitUntil(() => reported.length > 0)
    await backend.close()
    process.off('unhandledRejection', onEscaped)
    shown.mockRestore()
    expect(escaped).toEqual([])
  })

  it('don’t stop the backend if onError throws or rejects', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const failure = new Error('the app’s own')
    const failing: readonly (() => unknown)[] = [
      () => Promise.reject(failure),
      () => {
        throw failure
      },
    ]
    for (const onError of failing) {
      const options = { commandTimeoutMs: 100, onError: (): void => onError() as undefined }
      const backend = redisBackend({ url: 'redis://127.0.0.1:1' }, options)
      await expect(backend.append(log, ['1'])).rejects.toMatchObject({
        code: 'BACKEND_UNAVAILABLE',
      })
      await backend.close()
    }
    expect(errors).toHaveBeenCalled()
    errors.mockRestore()
  })
})
