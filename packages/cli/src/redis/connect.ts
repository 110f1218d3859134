import { redisBackend } from '@trpc-sse/redis'
import type { Backend } from '@trpc-sse/server'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { CliError, unreachable, usageError } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { Options } from '../options.ts'
import { cut } from '../output/text.ts'

/** How long a command of Redis may take, in milliseconds. */
const timeoutMs = 5_000

/** A connected Redis. */
export interface RedisConnection {
  /** For commands that only inspect. */
  readonly redis: Redis | Cluster
  readonly backend: Backend
  readonly prefix: string
  readonly db: number
}

/** What a command was given to connect with. */
export interface ConnectOptions {
  readonly options: Options
  readonly io: CliIo
  /** Called when a connection is lost while the command runs. */
  readonly onError?: (error: unknown) => void
}

/** Connects to the Redis that the options name, calls `use`, and closes the connections. */
export async function withRedis<TResult>(
  { options, io, onError = () => {} }: ConnectOptions,
  use: (connection: RedisConnection) => Promise<TResult>,
): Promise<TResult> {
  const url = redisUrl(options, io)
  const redis = createClient(url, options)
  let lastError: unknown
  redis.on('error', (error) => {
    lastError = error
  })
  const prefix = options.text('prefix') ?? 'trpc-sse'
  const backend = redisBackend(
    { redis },
    { prefix, commandTimeoutMs: timeoutMs, onError, clock: io.clock, onStatus: () => {} },
  )
  const disconnect = (): void => redis.disconnect()
  io.signal.addEventListener('abort', disconnect)
  try {
    await connectWithin(redis, io).catch((error: unknown) => {
      throw connectError(url, lastError ?? error)
    })
    const db = options.flag('cluster') ? 0 : Number(url.pathname.slice(1))
    return await use({ redis, backend, prefix, db })
  } catch (error) {
    throw error instanceof CliError ? error : commandError(error)
  } finally {
    io.signal.removeEventListener('abort', disconnect)
    redis.disconnect()
    await backend.close()
  }
}

/** Connects. Rejects when that takes too long: each answer of a Sentinel or a node may be missing. */
function connectWithin(redis: Redis | Cluster, { clock }: CliIo): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error('it does not answer'))
    const cancel = clock.after(timeoutMs, giveUp, { keepsAlive: true })
    redis.connect().then(resolve, reject).finally(cancel)
  })
}

/** Returns the address of the Redis. Throws a usage error that doesn't contain a password. */
export function redisUrl(options: Options, { env }: Pick<CliIo, 'env'>): URL {
  const text = options.text('redis') ?? env.REDIS_URL ?? 'redis://localhost:6379'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^rediss?:$/.test(url.protocol) && /^(\/\d{0,4})?$/.test(url.pathname)) {
    if (isEncoded(url.username) && isEncoded(url.password)) return url
    throw usageError('the URL of Redis has a % that encodes nothing. In a password, write %25.')
  }
  throw usageError(
    'this is not a URL of Redis. Write redis://user:password@host:6379/0, or rediss:// for TLS.',
  )
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function createClient(url: URL, options: Options): Redis | Cluster {
  const common = {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
    connectionName: 'trpc-sse-cli',
  } satisfies RedisOptions
  const port = Number(url.port) || 6_379
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const login = {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  } satisfies RedisOptions
  const db = Number(url.pathname.slice(1))
  if (options.flag('cluster')) {
    const redisOptions = { ...common, ...login }
    const clusterRetryStrategy = (): null => null
    return new Cluster([{ host, port }], { lazyConnect: true, clusterRetryStrategy, redisOptions })
  }
  const name = options.text('sentinel')
  if (name === undefined) return new Redis({ ...common, ...login, host, port, db })
  const sentinelRetryStrategy = (): null => null
  return new Redis({
    ...common,
    ...login,
    db,
    name,
    sentinels: [{ host, port }],
    sentinelRetryStrategy,
    sentinelCommandTimeout: timeoutMs,
  })
}

function connectError({ host }: URL, error: unknown): CliError {
  return unreachable(`can't connect to Redis at ${host}: ${describe(error)}`)
}

/** Errors of Redis are answers. Everything else says that it didn't answer. */
function commandError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'ReplyError') return new CliError(`Redis: ${describe(error)}`)
  if (/timed out|Connection is closed|max retries/i.test(error.message))
    return unreachable(`Redis doesn't answer: ${describe(error)}`)
  return error
}

function describe(error: unknown): string {
  return cut(error instanceof Error && error.message !== '' ? error.message : String(error), 300)
}
