import type { CliIo } from '../io.ts'
import type { OptionSpecs, Options } from '../options.ts'
import type { Printer } from '../output/printer.ts'
import type { RedisConnection } from './connect.ts'
import { type LogFacts, readLogFacts } from './log-facts.ts'
import { type ScanResult, scanLogs } from './scan.ts'

/** The options that bound a search for logs. */
export const scanOptions: OptionSpecs = {
  limit: { value: '<logs>', help: 'the maximum number of logs; by default 1000' },
  'scan-limit': {
    value: '<keys>',
    help: 'the maximum number of keys of Redis to look at; by default 1000000',
  },
}

/** A search for logs. */
export interface LogSearch {
  /** Only the logs of the channel of this name. */
  readonly name: string | undefined
  readonly options: Options
  readonly print: Printer
  readonly io: CliIo
}

/** The number of logs about which Redis is asked at a time. */
const batch = 50

/** Finds logs, by their keys. Prints a note if there may be more. */
export async function findLogs(
  connection: RedisConnection,
  { name, options, print, io }: LogSearch,
): Promise<readonly LogFacts[]> {
  const most = { least: 1, most: 1_000_000_000 }
  const limit = options.number('limit', { least: 1, most: 100_000 }) ?? 1_000
  const scanLimit = options.number('scan-limit', most) ?? 1_000_000
  const { signal } = io
  const { keys, stoppedAt } = await scanLogs(connection, { name, limit, scanLimit, signal })
  noteStop(print, stoppedAt)
  const sorted = [...keys].sort()
  const found: LogFacts[] = []
  for (let i = 0; i < sorted.length; i += batch) {
    signal.throwIfAborted()
    const part = sorted.slice(i, i + batch).map((key) => readLogFacts(connection, key))
    found.push(...(await Promise.all(part)).filter((facts) => facts !== undefined))
  }
  return found
}

function noteStop(print: Printer, stoppedAt: ScanResult['stoppedAt']): void {
  if (stoppedAt) print.note(`there may be more logs: the search has stopped at --${stoppedAt}`)
}
