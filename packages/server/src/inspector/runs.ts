import type { ChannelsInternals } from '../channels.ts'
import type { Hub } from '../hub/hub.ts'
import { toRunState } from '../run/items.ts'
import { firstRows, maxRows } from './bounds.ts'
import { channelRow, kindOf, messageOf } from './channels.ts'
import type { RoomRow, Rows, RunRow, RunsAnswer } from './messages.ts'

/** The number of runs whose status is read for one answer. */
const maxRuns = 20

/** Lists runs with their status, presence rooms and state channels. */
export async function listRuns(internals: ChannelsInternals): Promise<RunsAnswer> {
  const hubs = [...internals.hubs.all()]
  const ofKind = (kind: string): Hub[] =>
    hubs
      .filter(({ log }) => kindOf(internals, log.key) === kind)
      .sort((a, b) => b.readers - a.readers)
  const runs = ofKind('run')
  return {
    runs: {
      rows: await Promise.all(runs.slice(0, maxRuns).map((hub) => runRow(internals, hub))),
      total: runs.length,
    },
    producing: internals.producing(),
    rooms: listRooms(internals, ofKind('presence')),
    states: firstRows(ofKind('state'), (hub) => channelRow(internals, hub)),
  }
}

async function runRow(internals: ChannelsInternals, { log, readers }: Hub): Promise<RunRow> {
  return { log: log.key, followers: readers, status: await statusOf(internals, log) }
}

async function statusOf({ backend }: ChannelsInternals, log: Hub['log']): Promise<string> {
  try {
    const page = await backend.entries?.(log, { limit: maxRows })
    const entries = new Map(page?.entries)
    // A run that can be taken over is alive while it has `deltas`.
    const isAlive = entries.has('lease') || entries.has('deltas')
    const { status, reason } = toRunState(entries.get('status') ?? null, isAlive) ?? {}
    return reason === undefined ? (status ?? 'none') : `${status}: ${reason}`
  } catch (error) {
    return messageOf(error)
  }
}

/** Lists the rooms in which this process holds members, and those that it reads. */
function listRooms({ rooms }: ChannelsInternals, hubs: readonly Hub[]): Rows<RoomRow> {
  const found = new Map<string, RoomRow>(
    hubs.map(({ log, readers }) => [log.key, { log: log.key, members: 0, readers }]),
  )
  for (const { log, members } of rooms.counts())
    found.set(log.key, { log: log.key, members, readers: found.get(log.key)?.readers ?? 0 })
  const sorted = [...found.values()].sort((a, b) => b.members - a.members)
  return firstRows(sorted, (row) => row)
}
