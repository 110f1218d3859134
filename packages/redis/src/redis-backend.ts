import { type Backend, type Clock, elapsedTime, RealtimeError, systemClock } from '@trpc-sse/server'
import { type AppendGroup, type AppendGroups, createAppendQueue } from './commands/append-queue.ts'
import { type Commands, createCommands } from './commands/commands.ts'
import { type Attempts, createAttempts } from './commands/retries.ts'
import type { AppendAnswer } from './commands/scripts/replies.ts'
import { createCommandClient, databaseOf, type RedisTarget } from './connection/clients.ts'
import type { RedisCredentials } from './connection/credentials.ts'
import { createOutage, logStatus, type RedisStatus } from './connection/outage.ts'
import { createReadiness } from './connection/readiness.ts'
import { createSecrets, type Secrets } from './connection/secrets.ts'
import { closedError, unconfirmed } from './errors.ts'
import { logKeys } from './keys.ts'
import { createPlaces } from './pubsub/nodes.ts'
import { createSubscriber } from './pubsub/subscriber.ts'

/** Options of {@link redisBackend}. */
export interface RedisBackendOptions {
  /**
   * Starts the name of every key and pub/sub channel. Any text without braces; apps with different ones share nothing.
   *
   * @default 'trpc-sse'
   */
  readonly prefix?: string
  /**
   * How long Redis has to answer, reconnects and retries included, in milliseconds. Then `append`, `read` and
   * `listen` reject with `BACKEND_UNAVAILABLE`.
   *
   * @default 5_000
   */
  readonly commandTimeoutMs?: number
  /**
   * Gives what to log in with, at every connect: for passwords that rotate, as IAM's of ElastiCache and Entra's of Azure do. It
   * goes before what the URL or the client says. Has `commandTimeoutMs` to answer; if it fails, it is asked again.
   *
   * @default what the URL says, or the options of the client at that time
   */
  readonly credentials?: () => RedisCredentials | Promise<RedisCredentials>
  /**
   * A connection for notifications that is silent for so many milliseconds is asked for a sign of life.
   *
   * @default 10_000
   */
  readonly probeMs?: number
  /**
   * Whether a Cluster tells an event only at the master that stores it, by sharded pub/sub, or passes it on to all nodes. All
   * processes of an app must do the same: others hear of an event only by their position checks. Without a Cluster there is no difference.
   *
   * @default what the Cluster has: `true` from Redis 7 on, with ioredis 6
   */
  readonly shardedPubSub?: boolean
  /**
   * Gives time, timers and chance.
   *
   * @default systemClock
   */
  readonly clock?: Clock
  /**
   * A connection failed and is opened again, or Redis refuses to tell of what it has stored: for your logs. No error has a
   * credential in it.
   */
  onError?(error: unknown): void
  /**
   * Called once when Redis can't be reached any more, and once when it can be again.
   *
   * @default one line of `console.warn`, and one of `console.info`; nothing if there is an `onError`
   */
  onStatus?(status: RedisStatus): void
}

/**
 * Keeps logs in Redis, from 6.2, or Valkey: for any number of processes, and across restarts of all of them.
 *
 * It uses one connection for commands, opened at the first one, and one for notifications, opened at the first
 * `listen`; in a Cluster, one of each to each master that it needs. A client that is passed in is duplicated, never used and never closed. The last id of a log is kept
 * for its `forMs` and 30 days more after the last use; events beyond the retention are never read, and Redis drops
 * them a little later, by the hundred. Throws `INVALID_OPTION` for a prefix with braces.
 */
export function redisBackend(target: RedisTarget, options: RedisBackendOptions = {}): Backend {
  const { prefix = 'trpc-sse', clock = systemClock, commandTimeoutMs: timeoutMs = 5_000 } = options
  const { probeMs = 10_000, credentials, shardedPubSub } = options
  checkPrefix(prefix)
  checkTimes({ commandTimeoutMs: timeoutMs, probeMs })
  const elapsedMs = elapsedTime(clock)
  const secrets = createSecrets()
  const onError = createReport(options.onError, secrets)
  const outage = createOutage(clock, statusReport(options, secrets))
  const client = createCommandClient(target, { clock, timeoutMs, credentials, secrets })
  const db = databaseOf(client)
  const pubSub = shardedPubSub === undefined ? undefined : shardedPubSub ? 'sharded' : 'classic'
  const connection = createReadiness(client, { clock, pubSub, outage, onError })
  const attempts = createAttempts({
    ...connection,
    clock,
    elapsedMs,
    timeoutMs,
    onUnreachable: (error) => outage.failed(client, error),
  })
  const commands = createCommands({ client, clock, prefix, db, pubSub: connection.pubSub, onError })
  const subscriber = createSubscriber({
    clock,
    timeoutMs,
    probeMs,
    outage,
    onError,
    places: createPlaces(client, connection, clock),
  })
  // Where one connection to a Redis is lost, the other one may be as dead, and wait for words that never come.
  client.on('close', subscriber.check)
  const enqueue = createAppendQueue((groups) => store(groups, attempts, commands))
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  async function use<TResult>(work: () => Promise<TResult>): Promise<TResult> {
    if (closing !== undefined) throw closedError()
    const result = work()
    underWay.add(result)
    try {
      return await result
    } catch (error) {
      throw secrets.redact(error)
    } finally {
      underWay.delete(result)
    }
  }

  async function close(): Promise<void> {
    outage.stop()
    subscriber.close()
    await Promise.allSettled(underWay)
    connection.stop()
    client.disconnect()
  }

  return {
    append: (log, payloads, appendOptions = {}) =>
      use(async () => {
        const calledAtMs = elapsedMs()
        const call = { log, payloads, options: appendOptions, calledAtMs }
        if (appendOptions.after) await attempts.waitFor(appendOptions.after, calledAtMs)
        return await new Promise((resolve, reject) => enqueue({ ...call, resolve, reject }))
      }),
    read: (log, range, { signal } = {}) =>
      use(() => attempts.run(commands.read(log, range), elapsedMs(), signal)),
    clear: (log) => use(() => attempts.run(commands.clear(log), elapsedMs())),
    listen: (log, listener) =>
      use(() => subscriber.listen(logKeys(prefix, db, log.key).live, listener)),
    notify: (log, text) => use(() => attempts.run(commands.notify(log, text), elapsedMs())),
    close: () => (closing ??= close()),
  }
}

/** Stores groups in their order, and settles every append in them. */
async function store(groups: AppendGroups, attempts: Attempts, commands: Commands): Promise<void> {
  try {
    const answers = await attempts.run(commands.append(groups), groups[0][0].calledAtMs)
    for (const [i, group] of groups.entries()) settle(group, answers[i])
  } catch (error) {
    for (const { reject } of groups.flat()) reject(error)
  }
}

function settle(group: AppendGroup, answer: AppendAnswer): void {
  for (const [i, append] of group.entries()) {
    const result = answer?.[i]
    if (result === undefined) append.reject(unconfirmed())
    else append.resolve(result)
  }
}

/** Tells the app of an error, whatever the app's own code does then. */
function createReport(
  onError: RedisBackendOptions['onError'],
  secrets: Secrets,
): (error: unknown) => void {
  return (error) => callSafely('onError', () => onError?.(secrets.redact(error)))
}

function statusReport(
  { onError, onStatus = onError ? undefined : logStatus }: RedisBackendOptions,
  secrets: Secrets,
): (status: RedisStatus) => void {
  return (status) => {
    const shown =
      status.status === 'lost' ? { ...status, error: secrets.redact(status.error) } : status
    callSafely('onStatus', () => onStatus?.(shown))
  }
}

/** Calls the app's code, which may throw or reject. */
function callSafely(name: string, call: () => unknown): void {
  const run = async (): Promise<void> => {
    try {
      await call()
    } catch (cause) {
      tellConsole(`trpc-sse: ${name} of redisBackend() threw`, cause)
    }
  }
  void run()
}

/** An error of the app's may be one that throws when it is shown. */
function tellConsole(message: string, error: unknown): void {
  try {
    console.error(message, error)
  } catch {
    console.error(`${message} an error that can't be shown`)
  }
}

function checkTimes(options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (Number.isFinite(value) && value >= 1) continue
    throw new RealtimeError('INVALID_OPTION', `${name} is ${value}. Give milliseconds, 1 or more.`)
  }
}

function checkPrefix(prefix: string): void {
  if (!/[{}]/.test(prefix)) return
  throw new RealtimeError(
    'INVALID_OPTION',
    `The prefix ${JSON.stringify(prefix)} has braces, which tell a Redis Cluster where a key is. Remove them.`,
  )
}
