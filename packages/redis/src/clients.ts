import type { Clock } from '@trpc-sse/server'
import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { replyCode } from './replies.ts'

/** Which Redis to use: one named by its URL, or the one that a client of `ioredis` is connected to. */
export type RedisTarget = { readonly url: string } | { readonly redis: Redis | Cluster }

/**
 * Creates the client for commands, unconnected. It has its own settings, so a client that was passed in is duplicated.
 * It sends a command once, at once, or not at all: whether to send it again is for the caller to decide, who knows
 * how to find out whether it was run.
 */
export function createCommandClient(target: RedisTarget, clock: Clock, timeoutMs: number): Redis | Cluster {
  const retryStrategy = (times: number): number => backoffMs(clock, times)
  const options = {
    ...common,
    retryStrategy,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Without this, ioredis never settles the commands whose answers a lost connection owes.
    maxRetriesPerRequest: 0,
    // A connection that owes an answer for so long is dead.
    socketTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    // Of a server that loads its data it is asked again after so long; by itself it asks for more than our time.
    maxLoadingRetryTime: 200,
    // A demoted master: the new one is found by connecting again.
    reconnectOnError: (error: Error) => replyCode(error) === 'READONLY',
  } satisfies RedisOptions
  if ('url' in target) return new Redis(target.url, options)
  if (!isCluster(target.redis)) return target.redis.duplicate(options)
  return target.redis.duplicate([], {
    keyPrefix: '',
    lazyConnect: true,
    scaleReads: 'master',
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: options,
  })
}

/** Creates a client for subscriptions where another one is connected to; unconnected, and it lives as long as its connection. */
export function createSubscriberClient(client: Redis): Redis {
  return client.duplicate({
    ...common,
    readOnly: false,
    retryStrategy: null,
    reconnectOnError: null,
    enableOfflineQueue: true,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    socketTimeout: undefined,
  })
}

/** The database that a client uses. A Cluster has only one. */
export function databaseOf(client: Redis | Cluster): number {
  return isCluster(client) ? 0 : (client.options.db ?? 0)
}

/** How long to wait before an attempt, in milliseconds: at random, up to 50 doubled with each, at most 2,000. */
export function backoffMs(clock: Clock, attempt: number): number {
  return Math.round(clock.random() * Math.min(2_000, 50 * 2 ** Math.min(attempt, 10)))
}

const common = {
  lazyConnect: true,
  keyPrefix: '',
  commandTimeout: undefined,
  enableAutoPipelining: false,
  monitor: false,
} satisfies RedisOptions

/** Whether a client is for a Cluster. */
export function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster
}
