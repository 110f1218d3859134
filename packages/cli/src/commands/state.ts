import type { EntriesPage } from '@trpc-sse/server'
import type { Command } from '../command.ts'
import { CliError, exitCodes } from '../exit-codes.ts'
import { parseJson } from '../json.ts'
import type { Printer, TableRow } from '../output/printer.ts'
import { cut } from '../output/text.ts'
import { type RedisConnection, withRedis } from '../redis/connect.ts'
import { logKeyFrom, logNameOptions } from '../redis/log-name.ts'
import { type OpenedLog, openLog } from '../redis/open-log.ts'
import { redisOptions } from '../redis/options.ts'

/** Prints the entries of a log. */
export const stateCommand: Command = {
  name: 'state',
  args: '<channel> [params]',
  argCount: [0, 2],
  summary: 'Prints the entries of a state channel, or of presence with --presence.',
  options: {
    limit: { value: '<entries>', help: 'the maximum number of entries; by default 1000' },
    full: { help: 'print values in full, however long they are' },
    ...logNameOptions,
    ...redisOptions,
  },
  run: ({ args, options, print, io }) => {
    const limit = options.number('limit', { least: 1, most: 1_000_000 }) ?? 1_000
    const key = logKeyFrom(args, options)
    return withRedis({ options, io }, async (connection) => {
      const opened = await openLog(connection, key)
      const { entries, lastEventId, isWhole } = await readEntries(connection, opened, limit)
      const most = options.flag('full') ? Number.POSITIVE_INFINITY : 200
      const rows = entries.map(([name, text]) => rowOf(name, text, most))
      print.table(['KEY', 'VALUE'], rows)
      noteEnd(print, { count: entries.length, lastEventId, isWhole })
      return exitCodes.ok
    })
  },
}

interface Entries {
  readonly entries: readonly (readonly [key: string, value: string])[]
  readonly lastEventId: string
  readonly isWhole: boolean
}

async function readEntries(
  { backend }: RedisConnection,
  { log, facts }: OpenedLog,
  limit: number,
): Promise<Entries> {
  if (!backend.entries || facts.kind === 'channel')
    throw new CliError(`${facts.key} is a channel without entries. Use history or tail.`)
  const found = new Map<string, string>()
  let page: EntriesPage | undefined
  do {
    const range = { limit: 500, ...(page?.next !== undefined && { after: page.next }) }
    page = await backend.entries(log, range)
    for (const [key, value] of page.entries) found.set(key, value)
  } while (page.next !== undefined && found.size < limit)
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  const isWhole = page.next === undefined && sorted.length <= limit
  return { entries: sorted.slice(0, limit), lastEventId: page.lastEventId, isWhole }
}

function rowOf(key: string, text: string, most: number): TableRow {
  return { cells: [cut(key, 80), cut(text, most)], value: { key, value: parsed(text) } }
}

/** A value of an app is JSON. The entries of runs also have other texts. */
function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

function noteEnd(
  print: Printer,
  { count, lastEventId, isWhole }: { count: number; lastEventId: string; isWhole: boolean },
): void {
  print.note(`${count} ${count === 1 ? 'entry' : 'entries'}, as of event ${lastEventId}`)
  if (!isWhole) print.note('there are more entries: raise --limit')
}
