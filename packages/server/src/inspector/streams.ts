import type { Connection } from '../link/connection/connection.ts'
import { connectionInfo } from '../link/connection/connection-info.ts'
import type { Connections } from '../link/connection/connections.ts'
import type { StreamSubscription } from '../link/connection/stream-handler.ts'
import { firstRows, maxReaders, maxRows, short } from './bounds.ts'
import type { Drills } from './drills.ts'
import type { Rows, StreamRow, SubscriptionRow } from './messages.ts'

/** The maximum number of subscriptions of a stream whose lag is measured. */
const maxMeasured = 200

/** Lists streams, those for whose clients most bytes wait first, and then the newest. */
export function listStreams(
  connections: Connections,
  drills: Drills,
  filter: string,
): Rows<StreamRow> {
  const matching = [...connections.all].filter((connection) => matches(connection, filter))
  const sorted = matching
    .map((connection) => ({ connection, bytes: connection.bytesWaiting }))
    .sort((a, b) => b.bytes - a.bytes || b.connection.number - a.connection.number)
  const rows = sorted
    .slice(0, maxRows)
    .map(({ connection }) => toRow(connection, connections, drills))
  return { rows, total: matching.length }
}

/** Lists the subscriptions of one stream. */
export function listSubscriptions(connections: Connections, stream: number): Rows<SubscriptionRow> {
  for (const connection of connections.all) {
    if (connection.number !== stream) continue
    return firstRows(connection.stream?.started() ?? [], toSubscriptionRow)
  }
  return { rows: [], total: 0 }
}

function matches(connection: Connection, filter: string): boolean {
  if (!connection.isStarted) return false
  if (filter === '' || filter === String(connection.number)) return true
  const info = connectionInfo(connection)
  const texts = [info?.key ?? '', info?.address ?? '', ...(info?.paths ?? [])]
  return texts.some((text) => text.includes(filter))
}

function toRow(connection: Connection, connections: Connections, drills: Drills): StreamRow {
  const info = connectionInfo(connection)
  const paths = info?.paths ?? []
  return {
    stream: connection.number,
    key: info?.key === undefined ? undefined : short(info.key),
    address: info?.address,
    openedAt: info?.openedAt.getTime(),
    paths: paths.slice(0, 5).map((path) => short(path)),
    subscriptions: info?.subscriptions ?? 0,
    bytesWaiting: connection.bytesWaiting,
    isBehind: connection.isBackpressured(),
    isShort: connections.short.has(connection),
    lag: largestLag(connection.stream?.started().slice(0, maxMeasured) ?? []),
    drill: drills.throttleOf(connection),
  }
}

function largestLag(subscriptions: readonly StreamSubscription[]): number | undefined {
  const lags = subscriptions
    .flatMap((subscription) => subscription.readers())
    .flatMap(({ lag }) => lag ?? [])
  return lags.length === 0 ? undefined : Math.max(...lags)
}

function toSubscriptionRow(subscription: StreamSubscription): SubscriptionRow {
  const { key, path, clientPosition, live } = subscription
  return {
    key: short(key),
    path: short(path),
    position: clientPosition === undefined ? undefined : short(clientPosition),
    live,
    readers: subscription
      .readers()
      .slice(0, maxReaders)
      .map(({ log, position, lag }) => ({ log: short(log, 1_100), position, lag })),
  }
}
