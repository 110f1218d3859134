import { logKeys } from '@trpc-sse/redis'
import { type ChannelLog, type Clock, wait } from '@trpc-sse/server'
import type { CliIo } from '../io.ts'
import type { RedisConnection } from '../redis/connect.ts'
import { type Check, ok, problem } from './check.ts'
import { scratchKey } from './permission-check.ts'

/** How long a notification may take, in milliseconds. */
const notifiedWithinMs = 3_000

/** Stores an event in a log that no app has, and waits for its notification. */
export async function checkNotifications(
  connection: RedisConnection,
  io: Pick<CliIo, 'clock' | 'signal'>,
): Promise<Check> {
  const notified = new AbortController()
  const error = await notify(connection, io, notified).catch((reason: unknown) => reason)
  if (error === undefined && notified.signal.aborted)
    return ok(
      'notifications',
      'this command was notified of an event; the inspector tests an instance',
    )
  const missing = 'an event was stored, but its notification didn’t arrive'
  return problem('notifications', {
    what: error instanceof Error ? error.message : missing,
    why: 'Subscribers get events only when positions are checked, up to 30 seconds later.',
    change: 'Allow subscribe, publish and &<prefix>:*, and use no proxy that lacks pub/sub.',
    page: 'redis.md#permissions',
  })
}

async function notify(
  { backend, redis, prefix, db }: RedisConnection,
  { clock, signal }: Pick<CliIo, 'clock' | 'signal'>,
  notified: AbortController,
): Promise<void> {
  // Redis forgets the log by itself if this process is killed.
  const log: ChannelLog = { key: scratchKey(clock), retain: { events: 1, forMs: 10_000 } }
  const onEvent = (): void => notified.abort()
  const unlisten = await backend.listen(log, { onEvent, onInterrupted: () => {} })
  try {
    await backend.append(log, ['"doctor"'])
    const either = AbortSignal.any([signal, notified.signal])
    await wait(keptAlive(clock), notifiedWithinMs, either)
  } finally {
    await unlisten()
    const keys = logKeys(prefix, db, log.key)
    await redis.unlink(keys.log, keys.last)
  }
}

function keptAlive(clock: Clock): Clock {
  return { ...clock, after: (ms, callback) => clock.after(ms, callback, { keepsAlive: true }) }
}
