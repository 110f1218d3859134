import type { Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatTime } from '../output/durations.ts'
import { cut } from '../output/text.ts'
import { withRedis } from '../redis/connect.ts'
import { findLogs, scanOptions } from '../redis/find-logs.ts'
import type { LogFacts } from '../redis/log-facts.ts'
import { redisOptions } from '../redis/options.ts'

/** Lists logs. */
export const channelsCommand: Command = {
  name: 'channels',
  args: '[channel]',
  argCount: [0, 1],
  summary: 'Lists the logs in Redis: of channels, state channels, runs and presence.',
  options: { ...redisOptions, ...scanOptions },
  run: ({ args: [name], options, print, io }) =>
    withRedis({ options, io }, async (connection) => {
      const found = await findLogs(connection, { name, options, print, io })
      const rows = found.map((facts) => ({ cells: cellsOf(facts), value: toJson(facts) }))
      print.table(['CHANNEL', 'PARAMS', 'KIND', 'EVENTS', 'ENTRIES', 'NEWEST EVENT'], rows)
      if (found.length === 0) print.note(`no logs with the prefix ${connection.prefix}`)
      return exitCodes.ok
    }),
}

function cellsOf({ name, params, kind, events, entries, lastAt }: LogFacts): string[] {
  const newest = lastAt === undefined ? 'none yet' : formatTime(lastAt)
  return [cut(name, 60), cut(params, 80), kind, `${events}`, `${entries}`, newest]
}

function toJson(facts: LogFacts): unknown {
  const { key, name, params, kind, events, entries, lastEventId, lastAt } = facts
  return {
    key,
    name,
    ...(params !== '' && { params: JSON.parse(params) }),
    kind,
    events,
    entries,
    lastEventId,
    ...(lastAt !== undefined && { lastAt: formatTime(lastAt) }),
  }
}
