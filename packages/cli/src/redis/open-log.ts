import type { ChannelLog } from '@trpc-sse/server'
import { CliError } from '../exit-codes.ts'
import type { RedisConnection } from './connect.ts'
import { type LogFacts, readLogFacts } from './log-facts.ts'
import { logWithoutLoss } from './policy.ts'

/** A log, and what Redis holds of it. */
export interface OpenedLog {
  readonly facts: LogFacts
  /** For calls of the backend. */
  readonly log: ChannelLog
}

/** Returns a log that exists. */
export async function openLog(connection: RedisConnection, key: string): Promise<OpenedLog> {
  const opened = await findLog(connection, key)
  if (opened) return opened
  throw new CliError(
    `there is no log ${key} with the prefix ${connection.prefix}. trpc-sse channels lists all; the params must be those that the schema returns.`,
  )
}

/** Returns a log; `undefined` if there is no such log. */
export async function findLog(
  connection: RedisConnection,
  key: string,
): Promise<OpenedLog | undefined> {
  const [facts, nowMs] = await Promise.all([readLogFacts(connection, key), redisTime(connection)])
  return facts && { facts, log: logWithoutLoss(facts, nowMs) }
}

/** Returns the time of day by the clock of Redis, in milliseconds since 1970. */
export async function redisTime({ redis }: Pick<RedisConnection, 'redis'>): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}
