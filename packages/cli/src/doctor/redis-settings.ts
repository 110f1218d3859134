import { type Clock, elapsedTime } from '@trpc-sse/server'
import { seconds } from '../output/durations.ts'
import type { RedisConnection } from '../redis/connect.ts'
import { redisTime } from '../redis/open-log.ts'
import { type Check, ok, skipped, warning } from './check.ts'

/** The buffer for notifications should hold a burst of large events, in bytes. */
const leastHard = 8_388_608
const leastSoft = 1_048_576

/** Checks how many notifications Redis buffers for a process that is busy. */
export async function checkPubSubBuffer({ redis }: RedisConnection): Promise<Check> {
  const name = 'redis-output-buffer'
  const setting = await redis.config('GET', 'client-output-buffer-limit').catch(() => undefined)
  const text = Array.isArray(setting) ? String(setting[1]) : ''
  const [, hard, soft] = /pubsub (\d+) (\d+)/.exec(text)?.map(Number) ?? []
  if (hard === undefined || soft === undefined)
    return skipped(name, 'this user may not read client-output-buffer-limit')
  const isEnough = (limit: number, least: number): boolean => limit === 0 || limit >= least
  const what = `client-output-buffer-limit pubsub is ${hard} ${soft}`
  if (isEnough(hard, leastHard) && isEnough(soft, leastSoft)) return ok(name, what)
  return warning(name, {
    what,
    why: 'Redis cuts a process that is busy during a burst. Its subscribers get events late.',
    change: 'CONFIG SET client-output-buffer-limit "pubsub 33554432 8388608 60", its default.',
    page: 'redis.md#what-is-in-redis',
  })
}

/** The largest difference of clocks that does no harm, in milliseconds. */
const mostSkewMs = 2_000

/** Compares the clock of this machine with that of Redis. */
export async function checkSkew(connection: RedisConnection, clock: Clock): Promise<Check> {
  const elapsedMs = elapsedTime(clock)
  const [startMs, startedAt] = [elapsedMs(), clock.now()]
  const redisMs = await redisTime(connection)
  const tookMs = elapsedMs() - startMs
  const skewMs = redisMs - (startedAt + tookMs / 2)
  if (Math.abs(skewMs) <= mostSkewMs + tookMs / 2)
    return ok('clock', 'the clock of Redis is that of this machine')
  const way = skewMs > 0 ? 'ahead of' : 'behind'
  return warning('clock', {
    what: `the clock of Redis is ${seconds(Math.abs(skewMs))} ${way} this machine`,
    why: 'Redis gives events their times. Latencies are wrong, and so is what the app compares.',
    change: 'Synchronize the clocks of both machines (NTP).',
    page: 'redis.md#what-is-in-redis',
  })
}
