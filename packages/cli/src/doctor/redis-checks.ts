import type { CommandCall } from '../command.ts'
import { type RedisConnection, withRedis } from '../redis/connect.ts'
import type { Check } from './check.ts'
import { checkInfo } from './info-checks.ts'
import { checkNotifications } from './notification-check.ts'
import { checkPermissions } from './permission-check.ts'
import { type RedisInfo, readInfo } from './redis-info.ts'
import { checkPubSubBuffer, checkSkew } from './redis-settings.ts'

/** Examines a Redis. */
export function checkRedis({ options, io }: CommandCall): Promise<readonly Check[]> {
  return withRedis({ options, io }, async (connection) => {
    const info = await readInfo(connection)
    const fromInfo = checkInfo(info, options.flag('cluster'))
    return [...fromInfo, ...(await checkByTrying(connection, info, io))]
  })
}

async function checkByTrying(
  connection: RedisConnection,
  info: RedisInfo,
  io: CommandCall['io'],
): Promise<readonly Check[]> {
  // A Sentinel knows none of these commands.
  if (info.mode === 'sentinel') return []
  const checks = [await checkPubSubBuffer(connection), await checkSkew(connection, io.clock)]
  // The others write, and a replica refuses that.
  if (info.role === 'slave') return checks
  const permissions = await checkPermissions(connection, io.clock)
  checks.push(permissions)
  if (permissions.status === 'ok') checks.push(await checkNotifications(connection, io))
  return checks
}
