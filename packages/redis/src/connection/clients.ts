import { type Clock, RealtimeError } from '@trpc-sse/server'
import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { replyCode } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import {
  type Connector,
  createConnector,
  type GetCredentials,
  writtenLater,
} from './credentials.ts'
import type { Secrets } from './secrets.ts'

/** Which Redis to use: one named by its URL, or the one that a client of `ioredis` is connected to. */
export type RedisTarget = { readonly url: string } | { readonly redis: Redis | Cluster }

/** What {@link createCommandClient} needs. */
export interface ClientOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Asked at every connect; without it, a client uses what its target says. */
  readonly credentials: GetCredentials | undefined
  readonly secrets: Secrets
}

/**
 * Creates the client for commands, unconnected. It has its own settings, so a client that was passed in is duplicated.
 * It sends a command once, at once, or not at all: whether to send it again is for the caller to decide, who knows
 * how to find out whether it was run.
 */
export function createCommandClient(target: RedisTarget, options: ClientOptions): Redis | Cluster {
  const ours = commandOptions(options)
  if ('url' in target) {
    const theirs = optionsOf(target.url, options.secrets)
    return new Redis({ ...theirs, ...ours, ...login(theirs, options) })
  }
  const { redis } = target
  if (!isCluster(redis)) return redis.duplicate({ ...ours, ...login(redis.options, options) })
  const theirs = redis.options.redisOptions ?? {}
  return redis.duplicate([], {
    keyPrefix: '',
    lazyConnect: true,
    scaleReads: 'master',
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    clusterRetryStrategy: ours.retryStrategy,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // All of it: in ioredis 5, these take the place of the client's own.
    redisOptions: { ...theirs, ...ours, ...login(theirs, options) },
  })
}

function commandOptions({ clock, timeoutMs }: ClientOptions) {
  return {
    ...common,
    retryStrategy: (times: number): number => backoffMs(clock, times),
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
}

type Login =
  | { readonly Connector: Connector }
  | ReturnType<typeof writtenLater>
  | Record<never, never>

/** How connections log in: by what the app gives each time, or by what its client's options say at that time. */
function login(theirs: RedisOptions, options: ClientOptions): Login {
  const { clock, timeoutMs, credentials, secrets } = options
  const { password, sentinelPassword } = theirs
  for (const secret of [password, sentinelPassword, theirs.tls?.passphrase]) secrets.add(secret)
  if (credentials !== undefined) {
    const onPassword = secrets.add
    return {
      Connector: createConnector(theirs, {
        clock,
        timeoutMs,
        getCredentials: credentials,
        onPassword,
      }),
    }
  }
  if (!password) return {}
  return writtenLater(() => {
    secrets.add(theirs.password)
    return theirs
  })
}

/** What a URL says, as ioredis reads it. Throws `INVALID_OPTION`: its own error would show the whole URL. */
function optionsOf(url: string, secrets: Secrets): RedisOptions {
  try {
    const { pathname, password } = url.startsWith('/')
      ? { pathname: '', password: '' }
      : new URL(url)
    if (!/^(rediss?:\/\/|\/)/i.test(url) || !/^(\/\d*)?$/.test(pathname))
      throw new TypeError('not a URL of Redis')
    secrets.add(password)
    return new Redis(url, { lazyConnect: true }).options
  } catch {
    const message =
      'The url of redisBackend() is none. Write redis://user:password@host:6379/0, or rediss:// for TLS, and percent-encode what is special in the password.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
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

const common = {
  lazyConnect: true,
  keyPrefix: '',
  commandTimeout: undefined,
  enableAutoPipelining: false,
  monitor: false,
  replyMapping: 'legacy',
} satisfies RedisOptions

/** Whether a client is for a Cluster. */
export function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster
}
