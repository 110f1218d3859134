import { type Clock, RealtimeError, systemClock } from '@trpc-sse/server'
import type { GetCredentials } from './connection/credentials.ts'
import type { RedisStatus } from './connection/outage.ts'
import type { PubSub } from './connection/readiness.ts'

/** Options of {@link redisBackend}. */
export interface RedisBackendOptions {
  /**
   * The prefix of every key and pub/sub channel: any text without braces. Apps with different
   * prefixes share no data.
   *
   * @default 'trpc-sse'
   */
  readonly prefix?: string
  /**
   * The timeout of a call, in milliseconds, including reconnects and retries. After that, `append`,
   * `read` and `listen` reject with `BACKEND_UNAVAILABLE`.
   *
   * @default 5_000
   */
  readonly commandTimeoutMs?: number
  /**
   * Returns the credentials to log in with. Called at every connect, for passwords that rotate,
   * such as those of AWS ElastiCache (IAM) and Azure (Entra ID). Takes precedence over the URL and
   * the client's options. Must settle within `commandTimeoutMs`. If it fails, it is called again.
   *
   * @default the credentials in the URL, or in the client's options at that time
   */
  readonly credentials?: GetCredentials
  /**
   * The longest silence of a notification connection before the backend pings it, in milliseconds.
   *
   * @default 10_000
   */
  readonly probeMs?: number
  /**
   * Whether a Cluster publishes notifications only on the master that stores the event (sharded
   * pub/sub), or on all nodes. All processes of an app must use the same setting: a process with a
   * different one gets events only by position checks. Has no effect without a Cluster.
   *
   * @default `true` where the Cluster has sharded pub/sub: from Redis 7 on, with ioredis 6
   */
  readonly shardedPubSub?: boolean
  /**
   * Provides time, timers and randomness.
   *
   * @default systemClock
   */
  readonly clock?: Clock
  /**
   * Called when a connection fails, before a reconnect, and when Redis refuses to notify
   * subscribers of stored events. Use it for logging. Errors contain no credentials.
   */
  onError?(error: unknown): void
  /**
   * Called once when Redis becomes unreachable, and once when it is reachable again.
   *
   * @default one line of `console.warn` and one of `console.info`; nothing if there is an `onError`
   */
  onStatus?(status: RedisStatus): void
}

/** The options of a backend after validation, with defaults filled in. */
export interface RedisSettings extends Pick<RedisBackendOptions, 'onError' | 'onStatus'> {
  readonly prefix: string
  readonly timeoutMs: number
  readonly credentials: GetCredentials | undefined
  readonly probeMs: number
  readonly pubSub: PubSub | undefined
  readonly clock: Clock
}

/** Validates options and fills in defaults. Throws `INVALID_OPTION`. */
export function checkOptions(options: RedisBackendOptions): RedisSettings {
  const { prefix = 'trpc-sse', commandTimeoutMs = 5_000, probeMs = 10_000, shardedPubSub } = options
  checkPrefix(prefix)
  checkTime('commandTimeoutMs', commandTimeoutMs)
  checkTime('probeMs', probeMs)
  return {
    ...options,
    prefix,
    timeoutMs: commandTimeoutMs,
    credentials: options.credentials,
    probeMs,
    pubSub: shardedPubSub === undefined ? undefined : shardedPubSub ? 'sharded' : 'classic',
    clock: options.clock ?? systemClock,
  }
}

function checkTime(name: string, ms: number): void {
  if (Number.isFinite(ms) && ms >= 1) return
  throw new RealtimeError('INVALID_OPTION', `${name} is ${ms}. Give milliseconds, 1 or more.`)
}

function checkPrefix(prefix: string): void {
  if (!/[{}]/.test(prefix)) return
  const message = `The prefix ${JSON.stringify(prefix)} has braces, which tell a Redis Cluster where a key is. Remove them.`
  throw new RealtimeError('INVALID_OPTION', message)
}
