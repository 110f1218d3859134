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

/** The Redis to use: by its URL, or by an `ioredis` client that connects to it. */
export type RedisTarget = { readonly url: string } | { readonly redis: Redis | Cluster }

/** Options of {@link createCommandClient}. */
export interface ClientOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Called at every connect. Without this option, a client uses the credentials of its target. */
  readonly credentials: GetCredentials | undefined
  readonly secrets: Secrets
}

/**
 * Creates an unconnected client for commands. It needs its own settings, so a client of the app is
 * duplicated. It sends each command immediately and once: only the caller can find out whether
 * Redis ran a command, and whether to send it again.
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
  const cluster = redis.duplicate([], {
    keyPrefix: '',
    lazyConnect: true,
    scaleReads: 'master',
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    clusterRetryStrategy: ours.retryStrategy,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // All options, not only ours: in ioredis 5 these replace the client's own options.
    redisOptions: { ...theirs, ...ours, ...login(theirs, options) },
  })
  cluster.on('+node', ignoreFailedAsking)
  return cluster
}

/**
 * ioredis sends ASKING before a command that it redirects, and drops the promise. If the connection
 * ends before the reply, the rejection would end the process. The command itself fails, too.
 */
function ignoreFailedAsking(node: Redis): void {
  const asking = node.asking.bind(node)
  node.asking = () => {
    const reply = asking()
    reply.catch(() => {})
    return reply
  }
}

function commandOptions({ clock, timeoutMs }: ClientOptions) {
  return {
    ...common,
    retryStrategy: (times: number): number => backoffMs(clock, times),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Otherwise ioredis never settles commands that got no reply before their connection was lost.
    maxRetriesPerRequest: 0,
    // A connection with a reply outstanding for longer than this is dead.
    socketTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    // The longest wait before a server that is loading its data is asked again. The server's own
    // estimate may be longer than our deadline.
    maxLoadingRetryTime: 200,
    // READONLY: this master was demoted. A reconnect finds the new one.
    reconnectOnError: (error: Error) => replyCode(error) === 'READONLY',
  } satisfies RedisOptions
}

type Login =
  | { readonly Connector: Connector }
  | ReturnType<typeof writtenLater>
  | Record<never, never>

/**
 * Returns the options with which connections log in. At each connect they get the credentials from
 * the app's `credentials` function. Without one, they read the current options of the app's client.
 */
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

/**
 * Parses a URL as ioredis does. Throws `INVALID_OPTION` instead of ioredis's error, which contains
 * the whole URL with its password.
 */
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
      'The url of redisBackend() is not a URL of Redis. Write redis://user:password@host:6379/0, or rediss:// for TLS, and percent-encode special characters of the password.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
}

/**
 * Creates an unconnected client for subscriptions, for the same Redis as another client. It never
 * reconnects: each new connection needs a new client.
 */
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

/** Returns the number of the database that a client uses. A Cluster has only database 0. */
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
