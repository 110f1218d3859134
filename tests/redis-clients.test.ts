import type { RedisCredentials } from '@trpc-sse/redis'
import type { Backend, ChannelLog } from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { follow } from './support/follower.ts'
import { ioredisVersions, loadRedisPackage, type RedisPackage } from './support/ioredis.ts'
import { readPage } from './support/pages.ts'
import { type RedisServer, startRedis } from './support/redis.ts'
import { startRedisCluster } from './support/redis-cluster.ts'
import { startRedisSentinels } from './support/redis-sentinels.ts'

const log: ChannelLog = { key: 'log', retain: { events: 1_000, forMs: 600_000 } }
/** A log of a run or a state channel. */
const keyed: ChannelLog = { ...log, key: 'keyed', entries: { checkMs: 1_000 } }
const prefix = 'shop'
const sentinelPassword = 'sentinel’s own'
// It contains characters that have a meaning in URLs.
const firstPassword = 'p@ss/w:rd #1%'

/** The permissions that a user needs, from docs/redis.md. */
const [standaloneRules = '', clusterRules = ''] = readPage('docs/redis.md')
  .blocks.filter(({ language }) => language === 'text')
  .map(({ code }) => code)
const rules = (isCluster: boolean): string[] =>
  `${standaloneRules.replace(/^.* on >\S+/, '')} ${isCluster ? clusterRules : ''}`
    .trim()
    .split(/\s+/)

interface Login {
  readonly username?: string
  readonly password: string
  readonly lazyConnect?: boolean
}

/** Servers that require a password. */
interface Topology {
  readonly nodes: readonly RedisServer[]
  /** Creates an app's client. Its own login may be wrong: only the backend's must work. */
  connect(redisPackage: RedisPackage, login: Login): Redis | Cluster
  stop(): PromiseLike<void>
}

const topologies: Readonly<Record<string, () => Promise<Topology>>> = {
  async standalone() {
    const server = await startRedis()
    return {
      nodes: [server],
      connect: ({ Redis }, login) => new Redis({ ...login, port: server.port, host: '127.0.0.1' }),
      stop: () => server[Symbol.asyncDispose](),
    }
  },
  async Sentinel() {
    const server = await startRedis()
    const sentinels = await startRedisSentinels(server, {
      count: 1,
      replicas: 0,
      password: sentinelPassword,
    })
    return {
      nodes: [server],
      connect: ({ Redis }, login) =>
        new Redis({
          ...login,
          name: sentinels.options.name,
          sentinels: [...sentinels.options.sentinels],
          sentinelPassword,
        }),
      async stop() {
        await sentinels[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  },
  async Cluster() {
    const cluster = await startRedisCluster()
    return {
      nodes: cluster.nodes,
      connect: ({ Cluster }, login) =>
        new Cluster(
          cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
          { redisOptions: login },
        ),
      stop: () => cluster[Symbol.asyncDispose](),
    }
  },
}

describe.each(Object.entries(topologies))('redisBackend with a password, %s', (name, start) => {
  let topology: Topology
  let nodes: readonly RedisServer[]
  beforeAll(async () => {
    topology = await start()
    nodes = topology.nodes
  })
  afterAll(() => topology.stop())

  /** Changes the password of the app's user, and locks out all other users. */
  async function setPassword(password: string): Promise<void> {
    for (const { admin } of nodes) {
      await admin.call(
        'acl',
        'setuser',
        'app',
        'reset',
        'on',
        `>${password}`,
        ...rules(name === 'Cluster'),
      )
      await admin.call('acl', 'setuser', 'default', 'resetpass', '>nobody knows')
    }
  }

  /** Cuts the app's connections, so that it must log in again. */
  async function cutAll(): Promise<void> {
    for (const { admin } of nodes) await admin.call('client', 'kill', 'user', 'app')
  }

  function connect(redisPackage: RedisPackage, login: Login): Redis | Cluster {
    return topology.connect(redisPackage, { ...login, lazyConnect: true }).on('error', () => {})
  }

  /** Stores an event, and waits until its notification arrives. */
  async function checkThatItWorks(
    backend: Backend,
    follower: Awaited<ReturnType<typeof follow>>,
  ): Promise<void> {
    const { ids } = await backend.append(log, ['1'])
    await follower.reached(ids[0] ?? '')
    expect(follower.gaps).toEqual([])
  }

  /** Uses all that runs and state channels use, including entries that expire. */
  async function useEntries(backend: Backend): Promise<void> {
    await backend.entries?.(keyed, { limit: 1 })
    const set = ['a', 'b'].map((key) => ({ key, value: '1', forMs: 1, onExpiry: '2' }))
    const change = { when: [{ key: 'a', is: null }], delete: ['c'], set, payloads: ['1'] }
    await backend.change?.(keyed, { ...change, maxEntries: 5, forgetAfterMs: 600_000 })
    await expect
      .poll(async () => (await backend.read(keyed, { last: 9, limit: 9 })).events)
      .toHaveLength(3)
    await backend.clear(keyed)
  }

  describe.each(ioredisVersions)('on %s', (version) => {
    let redisPackage: RedisPackage
    beforeAll(async () => {
      redisPackage = await loadRedisPackage(version)
      await setPassword(firstPassword)
    })

    it('works with the client’s password, and with the documented permissions only', async () => {
      for (const { admin } of nodes) await admin.call('acl', 'log', 'reset')
      const redis = connect(redisPackage, { username: 'app', password: firstPassword })
      const backend = redisPackage.redisBackend({ redis }, { prefix })
      const follower = await follow(backend, log)
      await checkThatItWorks(backend, follower)
      await cutAll()
      await checkThatItWorks(backend, follower)
      await backend.append(log, ['2'], { idempotencyKey: 'key' })
      await backend.read(log, { last: 1, limit: 1 })
      await backend.clear(log)
      await useEntries(backend)
      await backend.close()
      redis.disconnect()
      expect(await denied(nodes)).toEqual([])
    })

    it('logs in with the current password of credentials() after each rotation', async () => {
      let password = firstPassword
      let asked = 0
      const credentials = async (): Promise<RedisCredentials> => {
        asked += 1
        return { username: 'app', password }
      }
      const redis = connect(redisPackage, { password: 'an old one' })
      const errors: unknown[] = []
      const onError = (error: unknown): void => void errors.push(error)
      const backend = redisPackage.redisBackend({ redis }, { prefix, credentials, onError })
      const follower = await follow(backend, log)
      await checkThatItWorks(backend, follower)
      for (const next of ['second', 'third']) {
        password = next
        const before = asked
        await setPassword(next)
        await cutAll()
        await checkThatItWorks(backend, follower)
        expect(asked).toBeGreaterThan(before)
      }
      // No login used an outdated password.
      expect(errors.map(String).filter((text) => text.includes('WRONGPASS'))).toEqual([])
      await backend.close()
      redis.disconnect()
      await setPassword(firstPassword)
    })

    it('logs in with the new password after the app changed its client’s options', async () => {
      const redis = connect(redisPackage, { username: 'app', password: firstPassword })
      const backend = redisPackage.redisBackend({ redis }, { prefix })
      const follower = await follow(backend, log)
      await checkThatItWorks(backend, follower)
      const options = 'redisOptions' in redis.options ? redis.options.redisOptions : redis.options
      Object.assign(options ?? {}, { password: 'another' })
      await setPassword('another')
      await cutAll()
      await checkThatItWorks(backend, follower)
      await backend.close()
      redis.disconnect()
      await setPassword(firstPassword)
    })

    it.runIf(name === 'standalone')('works with a password in the URL', async () => {
      const userinfo = `app:${encodeURIComponent(firstPassword)}`
      const url = `redis://${userinfo}@127.0.0.1:${nodes[0]?.port}`
      const backend = redisPackage.redisBackend({ url }, { prefix })
      const follower = await follow(backend, log)
      await checkThatItWorks(backend, follower)
      await cutAll()
      await checkThatItWorks(backend, follower)
      await backend.close()
    })
  })
})

/** The commands and keys that Redis denied. ioredis may fail to set its client name. */
async function denied(nodes: readonly RedisServer[]): Promise<string[]> {
  const logs = await Promise.all(nodes.map(({ admin }) => admin.call('acl', 'log')))
  return (logs.flat() as string[][])
    .map((entry) => String(entry[entry.indexOf('object') + 1]))
    .filter((object) => !object.startsWith('client'))
}
