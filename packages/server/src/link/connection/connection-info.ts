import type { Connection } from './connection.ts'
import type { ConnectionInfo } from './disconnects.ts'
import { addressOf } from './limiter.ts'

/** Describes a connection; `undefined` until its owner is known. */
export function connectionInfo(connection: Connection): ConnectionInfo | undefined {
  const { key, ctx, openedAt, connectionTally, stream, bytesWaiting } = connection
  if (openedAt === undefined) return undefined
  return {
    key,
    address: addressOf(connectionTally),
    ctx,
    paths: stream?.paths() ?? [],
    subscriptions: stream?.subscriptionCount() ?? 0,
    openedAt: new Date(openedAt),
    bytesWaiting,
  }
}
