import { isEventId, type ReadFrom } from '@trpc-sse/server'
import type { Command } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Options } from '../options.ts'
import { withRedis } from '../redis/connect.ts'
import { logKeyFrom, logNameOptions } from '../redis/log-name.ts'
import { openLog } from '../redis/open-log.ts'
import { redisOptions } from '../redis/options.ts'
import { printEvent } from '../redis/print-event.ts'
import { readEvents } from '../redis/read-events.ts'

/** Prints events that are in a log. */
export const historyCommand: Command = {
  name: 'history',
  args: '<channel> [params]',
  argCount: [0, 2],
  summary: 'Prints events of a log, oldest first: the newest, or those after an id.',
  options: {
    last: { value: '<events>', help: 'the number of newest events; by default 20' },
    after: { value: '<id>', help: 'the events after this id instead; 0-0 is before all' },
    limit: { value: '<events>', help: 'the maximum number of events; by default 1000' },
    full: { help: 'print payloads in full, however long they are' },
    ...logNameOptions,
    ...redisOptions,
  },
  run: ({ args, options, print, io }) => {
    const from = startOf(options)
    const limit = options.number('limit', { least: 1, most: 1_000_000_000 }) ?? 1_000
    const key = logKeyFrom(args, options)
    return withRedis({ options, io }, async (connection) => {
      const { log } = await openLog(connection, key)
      const events = readEvents(connection.backend, log, { from, limit })
      for await (const event of events) {
        io.signal.throwIfAborted()
        printEvent(print, event, options.flag('full'))
      }
      return exitCodes.ok
    })
  },
}

function startOf(options: Options): ReadFrom {
  const after = options.text('after')
  if (after === undefined)
    return { last: options.number('last', { least: 0, most: 1_000_000_000 }) ?? 20 }
  if (options.has('last')) throw usageError('give --last or --after, not both.')
  if (isEventId(after)) return { after }
  throw usageError('--after must be an id such as 1767225600000-0.')
}
