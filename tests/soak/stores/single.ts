import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import {
  durable,
  type Fault,
  killSubscribers,
  oneAtATime,
  type SoakStore,
  shortMs,
} from './store.ts'

/** One Redis that keeps everything that it has confirmed. */
export async function startDurable(): Promise<SoakStore> {
  const redis = await startRedis({ args: durable })
  const { admin } = redis
  return single(redis, false, {
    'redis is killed and restarted': () => redis.restart(),
    async 'redis is frozen'(chance) {
      redis.freeze()
      await sleep(shortMs(chance))
      redis.thaw()
    },
    'redis is full': forAWhile(admin, 'maxmemory', '1mb', '0'),
    'redis refuses writes': forAWhile(admin, 'min-replicas-to-write', '1', '0'),
    async 'redis is a read-only replica'(chance) {
      // Of a master that doesn't exist: it keeps its data, and refuses writes with READONLY.
      await admin.replicaof('127.0.0.1', 1)
      await sleep(shortMs(chance))
      await admin.replicaof('NO', 'ONE')
    },
  })
}

/** One Redis without persistence: a restart loses everything. */
export async function startMemory(): Promise<SoakStore> {
  const redis = await startRedis()
  return single(redis, true, {
    'redis is restarted empty': () => redis.restart(),
    async 'redis is emptied'() {
      await redis.admin.flushall()
    },
  })
}

/** One Redis that evicts whatever was used least, when it is full. */
export async function startLru(): Promise<SoakStore> {
  const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
  return single(redis, true, { 'redis evicts': forAWhile(redis.admin, 'maxmemory', '1mb', '0') })
}

function single(
  redis: RedisServer,
  mayForget: boolean,
  faults: Readonly<Record<string, Fault>>,
): SoakStore {
  return {
    address: { kind: 'url', url: redis.url },
    mayForget,
    faults: {
      ...oneAtATime(faults),
      'subscribers are killed': () => killSubscribers(redis.admin),
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}

/** Changes a setting of Redis for a short time. */
function forAWhile(admin: Redis, setting: string, value: string, usual: string): Fault {
  return async (chance) => {
    await admin.config('SET', setting, value)
    await sleep(shortMs(chance))
    await admin.config('SET', setting, usual)
  }
}
