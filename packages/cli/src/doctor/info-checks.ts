import { type Check, ok, problem, warning } from './check.ts'
import type { RedisInfo } from './redis-info.ts'

/** Checks what INFO says. */
export function checkInfo(info: RedisInfo, isCluster: boolean): readonly Check[] {
  const checks = [checkVersion(info), checkMode(info, isCluster)]
  return info.mode === 'sentinel' ? checks : [...checks, checkRole(info), checkMemory(info)]
}

function checkVersion({ product, version }: RedisInfo): Check {
  const name = 'redis-version'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (product === 'Valkey' || major > 6 || (major === 6 && minor >= 2))
    return ok(name, `${product} ${version}`)
  return problem(name, {
    what: `this is Redis ${version || 'of an unknown version'}`,
    why: 'The scripts need commands of Redis 6.2.',
    change: 'Upgrade to Redis 6.2 or newer, or to Valkey.',
    page: 'redis.md#versions',
  })
}

function checkMode({ mode }: RedisInfo, isCluster: boolean): Check {
  const name = 'redis-mode'
  if (mode === 'sentinel')
    return problem(name, {
      what: 'this is a Sentinel, not a Redis',
      why: 'A Sentinel stores nothing.',
      change:
        'Pass { redis: new Redis({ sentinels, name }) } to redisBackend, and --sentinel here.',
      page: 'redis.md#versions',
    })
  if (mode === 'cluster' && !isCluster)
    return problem(name, {
      what: 'this is a node of a Cluster, used as a single Redis',
      why: 'A node refuses logs that are on other nodes (MOVED).',
      change: 'Pass { redis: new Cluster([…]) } to redisBackend, and --cluster here.',
      page: 'redis.md#cluster',
    })
  return ok(name, mode)
}

function checkRole({ role }: RedisInfo): Check {
  if (role !== 'slave') return ok('redis-role', role)
  return problem('redis-role', {
    what: 'this is a replica',
    why: 'A replica refuses writes (READONLY). Reads need them, too: they trim and renew.',
    change: 'Use the address of the master, or Sentinels, which know it.',
    page: 'redis.md#failover',
  })
}

function checkMemory({ maxmemory, maxmemoryPolicy, usedMemory }: RedisInfo): Check {
  const name = 'redis-memory'
  if (maxmemoryPolicy !== 'noeviction' && maxmemoryPolicy !== '') {
    const finding = {
      what: `maxmemory-policy is ${maxmemoryPolicy}`,
      why: 'When memory is full, Redis deletes logs. Their subscribers get gaps.',
      change: 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.',
      page: 'redis.md',
    }
    // Without a limit, nothing is evicted yet.
    return maxmemory > 0 ? problem(name, finding) : warning(name, finding)
  }
  if (maxmemory > 0 && usedMemory > 0.9 * maxmemory)
    return warning(name, {
      what: `${Math.round((100 * usedMemory) / maxmemory)} % of maxmemory is used`,
      why: 'When it is full, Redis refuses to store events, and publish rejects.',
      change: 'Raise maxmemory, or lower retain of the channels.',
      page: 'redis.md#memory',
    })
  return ok(name, `maxmemory-policy is ${maxmemoryPolicy || 'unknown'}`)
}
