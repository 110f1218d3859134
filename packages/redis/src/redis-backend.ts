import { type Backend, elapsedTime } from '@trpc-sse/server'
import { AppendQueue } from './commands/append-queue.ts'
import { Commands } from './commands/commands.ts'
import { type Command, Retries } from './commands/retries.ts'
import { createCommandClient, databaseOf, type RedisTarget } from './connection/clients.ts'
import { createOutage } from './connection/outage.ts'
import { createReadiness } from './connection/readiness.ts'
import { createSecrets, type Secrets } from './connection/secrets.ts'
import { closedError } from './errors.ts'
import { logKeys } from './keys.ts'
import { checkOptions, type RedisBackendOptions, type RedisSettings } from './options.ts'
import { createNodes } from './pubsub/nodes.ts'
import { Subscriber } from './pubsub/subscriber.ts'
import { createErrorReport, createStatusReport } from './reports.ts'

/**
 * Keeps logs in Redis (6.2 or newer) or Valkey. Any number of processes can share the logs, which
 * survive restarts of the processes.
 *
 * It opens one connection for commands, at the first command, and one for notifications, at the
 * first `listen`. In a Cluster it opens one of each to every master that it needs. If you pass a
 * client, the backend duplicates it, and never uses or closes the original.
 *
 * Redis keeps the last id of a log for the log's `forMs` plus 30 days after the last use. Events
 * beyond the retention are never read; Redis deletes them a little later, in batches.
 *
 * @throws `INVALID_OPTION` for a prefix with braces, a time below 1 ms, or a URL that isn't a Redis
 *   URL.
 */
export function redisBackend(target: RedisTarget, options: RedisBackendOptions = {}): Backend {
  const settings = checkOptions(options)
  const { clock, prefix, timeoutMs } = settings
  const secrets = createSecrets()
  const calls = new Calls(secrets)
  const { client, readiness, outage, onError } = connect(target, settings, secrets)
  const elapsedMs = elapsedTime(clock)
  const retries = new Retries({
    clock,
    connection: readiness,
    elapsedMs,
    timeoutMs,
    onUnreachable: (error) => outage.failed(client, error),
  })
  const db = databaseOf(client)
  const { pubSub } = readiness
  const commands = new Commands({ client, clock, prefix, db, timeoutMs, pubSub, onError })
  const queue = new AppendQueue(
    (groups) => retries.run(commands.append(groups), groups[0][0].calledAtMs),
    clock,
  )
  const nodes = createNodes(client, readiness, clock)
  const subscriber = new Subscriber({ ...settings, outage, onError, nodes })
  // When the command connection is lost, the one for notifications may be dead too, without an
  // error.
  client.on('close', () => subscriber.probe())

  const run = <TReply>(command: Command<TReply>, signal?: AbortSignal): Promise<TReply> =>
    calls.run(() => retries.run(command, elapsedMs(), signal))

  return {
    append: (log, payloads, appendOptions = {}) =>
      calls.run(async () => {
        const calledAtMs = elapsedMs()
        if (appendOptions.after) await retries.waitFor(appendOptions.after, calledAtMs)
        const call = { log, payloads, options: appendOptions, calledAtMs }
        return await new Promise((resolve, reject) => queue.add({ ...call, resolve, reject }))
      }),
    read: (log, range, { signal } = {}) => run(commands.read(log, range), signal),
    clear: (log) => run(commands.clear(log)),
    change: (log, change) => run(commands.change(log, change)),
    entries: (log, range) => run(commands.entries(log, range)),
    notify: (log, text) => run(commands.notify(log, text)),
    listen: (log, listener) =>
      calls.run(() => subscriber.listen(logKeys(prefix, db, log.key).live, listener)),
    interruptListeners: () => subscriber.interrupt(),
    close: () =>
      calls.close(async (settled) => {
        outage.stop()
        subscriber.close()
        await settled
        readiness.stop()
        client.disconnect()
      }),
  }
}

/** Creates the client for commands, and the objects that watch its connection. */
function connect(target: RedisTarget, settings: RedisSettings, secrets: Secrets) {
  const { clock, timeoutMs, credentials, pubSub } = settings
  const onError = createErrorReport(settings, secrets)
  const outage = createOutage(clock, createStatusReport(settings, secrets))
  const client = createCommandClient(target, { clock, timeoutMs, credentials, secrets })
  const readiness = createReadiness(client, { clock, pubSub, outage, onError })
  return { client, readiness, outage, onError }
}

/** The app's pending calls. After `close`, new calls fail; `close` waits for the pending ones. */
class Calls {
  readonly #secrets: Secrets
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  /** Runs a call, and removes secrets from its errors. */
  async run<TResult>(work: () => Promise<TResult>): Promise<TResult> {
    if (this.#closing !== undefined) throw closedError()
    const result = work()
    this.#underWay.add(result)
    try {
      return await result
    } catch (error) {
      throw this.#secrets.redact(error)
    } finally {
      this.#underWay.delete(result)
    }
  }

  /** Closes once. `end` gets a promise that resolves when all calls have settled. */
  close(end: (settled: Promise<unknown>) => Promise<void>): Promise<void> {
    this.#closing ??= end(Promise.allSettled(this.#underWay))
    return this.#closing
  }
}
