import { logKeys } from '@trpc-sse/redis'
import type { Clock } from '@trpc-sse/server'
import type { RedisConnection } from '../redis/connect.ts'
import { type Check, ok, problem } from './check.ts'

type RedisCommand = readonly [name: string, ...args: string[]]

/** Tries every command that the backend uses, on a log that it then deletes. */
export async function checkPermissions(connection: RedisConnection, clock: Clock): Promise<Check> {
  const { prefix, db, redis } = connection
  const keys = logKeys(prefix, db, scratchKey(clock))
  const refused: string[] = []
  for (const [name, ...args] of commandsFor(keys, redis.isCluster)) {
    const error = await redis.call(name, args).then(
      () => undefined,
      (reason: Error) => reason,
    )
    // Any other error shows that the command is allowed.
    if (error && /NOPERM|unknown command/i.test(error.message)) refused.push(name)
  }
  if (refused.length === 0) return ok('redis-permissions', 'every command is allowed')
  return problem('redis-permissions', {
    what: `this user may not ${refused.join(', ')} with the prefix ${prefix}`,
    why: 'Publishing or reading fails. If only notifying fails, events are late.',
    change: 'Give the user the permissions that are documented.',
    page: 'redis.md#permissions',
  })
}

/** Returns the key of a log that no app has. */
export function scratchKey({ random }: Clock): string {
  return `~doctor.${Math.floor(random() * 2 ** 48).toString(36)}`
}

function commandsFor(
  { log, last, entries, leases, live }: ReturnType<typeof logKeys>,
  isCluster: boolean,
): readonly RedisCommand[] {
  return [
    ['ping'],
    ['time'],
    ['eval', "return redis.call('GET', KEYS[1])", '1', last],
    ['evalsha', '0'.repeat(40), '1', last],
    ['xadd', log, '1-1', 'doctor', '1'],
    ['xlen', log],
    ['xrange', log, '-', '+', 'COUNT', '1'],
    ['xrevrange', log, '+', '-', 'COUNT', '1'],
    ['xtrim', log, 'MAXLEN', '0'],
    ['xdel', log, '1-1'],
    ['set', last, '1', 'PX', '10000'],
    ['get', last],
    ['hset', entries, 'a', '1'],
    ['hget', entries, 'a'],
    ['hlen', entries],
    ['hexists', entries, 'a'],
    ['hscan', entries, '0'],
    ['hdel', entries, 'a'],
    ['zadd', leases, '1', 'a'],
    ['zscore', leases, 'a'],
    ['zrange', leases, '0', '0'],
    ['zrangebyscore', leases, '0', '1'],
    ['zrem', leases, 'a'],
    ['pexpire', log, '10000'],
    [isCluster ? 'spublish' : 'publish', live, 'interrupted'],
    ['unlink', log, last, entries, leases],
  ]
}
