import { systemClock } from '@trpc-sse/server'
import { afterEach, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'
import { readPage } from '../support/pages.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'

/** The ACL of docs/redis.md, with its line breaks. */
const [documentedAcl = ''] =
  /ACL SETUSER app [\s\S]*?(?=\n```)/.exec(readPage('docs/redis.md').text) ?? []

/** The words of an ACL for users of another prefix, without those that match. */
const aclWords = (without = /^$/): string[] =>
  documentedAcl
    .split(/\s+/)
    .slice(3)
    .map((word) => word.replace('the-password', 'secret'))
    .filter((word) => !without.test(word))

async function doctor(url: string, ...args: string[]) {
  const { code, lines } = await cli(['doctor', '--json', '--redis', url, ...args])
  const checks = lines.map((line) => JSON.parse(line))
  const found = checks.filter(({ status }) => status === 'problem' || status === 'warning')
  return { code, checks, found, names: found.map(({ check }) => check) }
}

describe('doctor --redis', () => {
  const stack: AsyncDisposable[] = []
  afterEach(async () => {
    for (const server of stack.splice(0)) await server[Symbol.asyncDispose]()
  })
  async function start(...args: string[]): Promise<RedisServer> {
    const server = await startRedis({ args })
    stack.push(server)
    return server
  }

  it('finds nothing with a right set-up, and leaves nothing behind', async () => {
    const redis = await start()
    const { found, checks, code } = await doctor(redis.url)
    expect(found).toEqual([])
    expect(code).toBe(0)
    expect(checks.map(({ check }) => check)).toEqual([
      'redis-version',
      'redis-mode',
      'redis-role',
      'redis-memory',
      'redis-output-buffer',
      'clock',
      'redis-permissions',
      'notifications',
    ])
    expect(await redis.admin.keys('*')).toEqual([])
  })

  it('finds nothing with the documented permissions', async () => {
    const redis = await start()
    await redis.admin.call('ACL', 'SETUSER', 'app', ...aclWords())
    const { found, checks } = await doctor(
      redis.url.replace('//', '//app:secret@'),
      '--prefix',
      'shop',
    )
    expect(found).toEqual([])
    expect(checks.find(({ check }) => check === 'redis-output-buffer').status).toBe('skipped')
  })

  it('the documented permissions, with +scan and +pttl, are enough for every other command', async () => {
    const redis = await start()
    await redis.admin.call('ACL', 'SETUSER', 'app', ...aclWords(), '+scan', '+pttl')
    const env = { REDIS_URL: redis.url.replace('//', '//app:secret@') }
    for (const args of [
      ['publish', 'news', '--data', '1', '--create'],
      ['channels'],
      ['history', 'news'],
      ['tail', 'news', '--count', '1'],
      ['runs'],
    ]) {
      const { code, notes } = await cli([...args, '--prefix', 'shop'], { env })
      expect({ args, code, notes }).toMatchObject({ code: 0 })
    }
  })

  it.each([
    ['a command', /^\+(xtrim|hscan)$/, ['redis-permissions'], 'xtrim, hscan'],
    ['subscribe', /^\+subscribe$/, ['notifications'], ''],
    ['the prefix of keys', /^~/, ['redis-permissions'], 'xadd'],
    ['the prefix of notifications', /^&/, ['redis-permissions'], 'publish'],
  ])('names permissions without %s', async (_name, without, names, what) => {
    const redis = await start()
    await redis.admin.call('ACL', 'SETUSER', 'app', ...aclWords(without))
    const { code, ...result } = await doctor(
      redis.url.replace('//', '//app:secret@'),
      '--prefix',
      'shop',
    )
    expect(result.names).toEqual(names)
    expect(result.found[0].what).toContain(what)
    expect(code).toBe(1)
  })

  it.each([
    [['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'], ['redis-memory'], 1],
    [['--maxmemory-policy', 'volatile-ttl'], ['redis-memory'], 0],
    [['--client-output-buffer-limit', 'pubsub 1mb 256kb 5'], ['redis-output-buffer'], 0],
  ])('names the settings %j', async (args, names, code) => {
    const redis = await start(...args)
    const result = await doctor(redis.url)
    expect({ names: result.names, code: result.code }).toEqual({ names, code })
    expect((await doctor(redis.url, '--strict')).code).toBe(1)
  })

  it.each([-60_000, 60_000])('names a clock that differs by %i ms', async (skewMs) => {
    const redis = await start()
    const clock = { ...systemClock, now: () => Date.now() + skewMs }
    const { lines } = await cli(['doctor', '--json', '--redis', redis.url], { clock })
    const found = lines.map((line) => JSON.parse(line)).filter(({ status }) => status !== 'ok')
    expect(found).toMatchObject([{ check: 'clock', status: 'warning' }])
    expect(found[0].what).toContain(skewMs > 0 ? 'behind this machine' : 'ahead of this machine')
  })

  it('names a replica', async () => {
    const master = await start()
    const replica = await start('--replicaof', `127.0.0.1 ${master.port}`)
    const { names } = await doctor(replica.url)
    expect(names).toEqual(['redis-role'])
  })

  it('names a node of a Cluster that is used alone, and finds nothing with --cluster', async () => {
    await using cluster = await startRedisCluster()
    const url = cluster.nodes[0]?.url ?? ''
    expect((await doctor(url)).names).toContain('redis-mode')
    expect((await doctor(url, '--cluster')).found).toEqual([])
  })

  it('exits with 3 if nothing listens there', async () => {
    const { code, checks } = await doctor(`redis://127.0.0.1:${await freePort()}`)
    expect({ code, checks }).toEqual({ code: 3, checks: [] })
  })
})
