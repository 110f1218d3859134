import type * as Ioredis from 'ioredis'
import { vi } from 'vitest'

/** Exports of the Redis package, and of the ioredis that it runs on. */
export interface RedisPackage extends Pick<typeof import('@trpc-sse/redis'), 'redisBackend'> {
  readonly Redis: typeof Ioredis.Redis
  readonly Cluster: typeof Ioredis.Cluster
}

/** Installed versions of ioredis, at the ends of the range in the package's `peerDependencies`. */
export const ioredisVersions = ['ioredis-5-oldest', 'ioredis-5-newest', 'ioredis'] as const

/** Loads the Redis package with a version of ioredis, for all of its imports. */
export async function loadRedisPackage(
  name: (typeof ioredisVersions)[number],
): Promise<RedisPackage> {
  // One import for each package, because the tests' bundler can't resolve a variable.
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
