import type * as Ioredis from 'ioredis'
import { vi } from 'vitest'

/** What the Redis package exports, and the ioredis that it runs on. */
export interface RedisPackage extends Pick<typeof import('@trpc-sse/redis'), 'redisBackend'> {
  readonly Redis: typeof Ioredis.Redis
  readonly Cluster: typeof Ioredis.Cluster
}

/** The ends of the range that the package's `peerDependencies` name, as they are installed here. */
export const ioredisVersions = ['ioredis-5-oldest', 'ioredis-5-newest', 'ioredis'] as const

/** Loads the Redis package on a version of ioredis: all that it imports is of that one. */
export async function loadRedisPackage(
  name: (typeof ioredisVersions)[number],
): Promise<RedisPackage> {
  // By the name of each package, as the bundler of the tests can't follow a variable.
  const load: Readonly<Record<typeof name, () => Promise<unknown>>> = {
    'ioredis-5-oldest': () => import('ioredis-5-oldest'),
    'ioredis-5-newest': () => import('ioredis-5-newest'),
    ioredis: () => vi.importActual('ioredis'),
  }
  const { Redis, Cluster, ...rest } = (await load[name]()) as typeof Ioredis
  vi.resetModules()
  vi.doMock('ioredis', () => ({ ...rest, Redis, Cluster }))
  const { redisBackend } = await import('@trpc-sse/redis')
  vi.doUnmock('ioredis')
  return { redisBackend, Redis, Cluster }
}
