import {
  type Backend,
  type ChannelLog,
  type EventId,
  isEventId,
  isRealtimeError,
  type StoredEvent,
} from '@trpc-sse/server'
import type { Command, CommandCall } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Options } from '../options.ts'
import { type RedisConnection, withRedis } from '../redis/connect.ts'
import { followLog } from '../redis/follow.ts'
import { logKeyFrom, logNameOptions } from '../redis/log-name.ts'
import { findLog } from '../redis/open-log.ts'
import { redisOptions } from '../redis/options.ts'
import { printEvent, printGap } from '../redis/print-event.ts'
import { readEvents } from '../redis/read-events.ts'

/** Prints events as they are stored. */
export const tailCommand: Command = {
  name: 'tail',
  args: '<channel> [params]',
  argCount: [0, 2],
  summary: 'Prints the newest events of a log, and then each event as it is stored.',
  details: ['It runs until Ctrl-C. It survives restarts of Redis, and reports missing events.'],
  options: {
    last: { value: '<events>', help: 'the number of newest events to begin with; by default 10' },
    after: { value: '<id>', help: 'begin after this id instead; 0-0 is before all' },
    count: { value: '<events>', help: 'stop after this many events' },
    full: { help: 'print payloads in full, however long they are' },
    ...logNameOptions,
    ...redisOptions,
  },
  run: (call) => {
    const { args, options, io } = call
    const [key, start, most] = [logKeyFrom(args, options), startOf(options), countOf(options)]
    return withRedis({ options, io }, async (connection) => {
      try {
        await tail(call, connection, { key, start, most })
      } catch (error) {
        if (!io.signal.aborted) throw error
      }
      return exitCodes.ok
    })
  },
}

/** Where to begin: at the newest events, or after an id. */
interface Start {
  readonly last?: number
  readonly after?: EventId
}

interface TailOptions {
  readonly key: string
  readonly start: Start
  readonly most: number
}

async function tail(
  { options, print, io }: CommandCall,
  connection: RedisConnection,
  { key, start, most }: TailOptions,
): Promise<void> {
  const { backend } = connection
  const { clock, signal } = io
  const opened = await findLog(connection, key)
  if (!opened) print.note(`${key} has no events yet. trpc-sse channels lists all logs.`)
  const log = opened?.log ?? newLog(key)
  let left = most
  const printOne = (event: StoredEvent): void => {
    printEvent(print, event, options.flag('full'))
    left--
  }
  const after = start.after ?? (await printNewest(backend, log, start.last ?? 10, printOne))
  if (left <= 0) return
  const onUnavailable = (error: unknown): void => print.note(noteOf(error))
  for await (const item of followLog({ backend, log, clock, signal, after, onUnavailable })) {
    if (item.type === 'gap') printGap(print, item)
    else printOne(item.event)
    if (left <= 0) return
  }
}

/** Prints the newest events, and returns the position after them. */
async function printNewest(
  backend: Backend,
  log: ChannelLog,
  last: number,
  printOne: (event: StoredEvent) => void,
): Promise<EventId> {
  const events = readEvents(backend, log, { from: { last }, limit: last })
  let next = await events.next()
  for (; !next.done; next = await events.next()) printOne(next.value)
  return next.value
}

/** A log that doesn't exist yet. Its retention has no effect while it is empty. */
function newLog(key: string): ChannelLog {
  return { key, retain: { events: Number.MAX_SAFE_INTEGER, forMs: 86_400_000 } }
}

function noteOf(error: unknown): string {
  const why = isRealtimeError(error) ? error.code : String(error)
  return `Redis doesn't answer (${why}); trying again`
}

function countOf(options: Options): number {
  const limits = { least: 1, most: 1_000_000_000 }
  return options.number('count', limits) ?? Number.POSITIVE_INFINITY
}

function startOf(options: Options): Start {
  const after = options.text('after')
  if (after === undefined)
    return { last: options.number('last', { least: 0, most: 100_000 }) ?? 10 }
  if (options.has('last')) throw usageError('give --last or --after, not both.')
  if (isEventId(after)) return { after }
  throw usageError('--after must be an id such as 1767225600000-0.')
}
