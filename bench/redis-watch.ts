import type { Redis } from 'ioredis'

/** Reads the counters of a Redis server. */
export interface RedisWatch {
  /** User and system time of its process, in microseconds. */
  cpuUs(): Promise<number>
  /** The number of reads of logs, by scripts or directly. */
  reads(): Promise<number>
}

/** Creates a watch on a given connection. */
export function createRedisWatch(admin: Redis): RedisWatch {
  return {
    async cpuUs() {
      const info = parseInfo(await admin.info('cpu'))
      const seconds = (info.get('used_cpu_user') ?? 0) + (info.get('used_cpu_sys') ?? 0)
      return seconds * 1_000_000
    },
    async reads() {
      return countReads(await admin.info('commandstats'))
    },
  }
}

/** The numbers of an `INFO` answer, by name. */
export function parseInfo(info: string): ReadonlyMap<string, number> {
  const lines = [...info.matchAll(/^(\w+):([\d.]+)\r?$/gm)]
  return new Map(lines.map(([, name = '', value]) => [name, Number(value)]))
}

/**
 * The number of reads of logs, from `INFO commandstats`. A command that a script calls counts like
 * any other. XADD and other writes aren't reads, and neither is a script.
 */
export function countReads(commandstats: string): number {
  const counts = [...commandstats.matchAll(/^cmdstat_(?:xread|xrange|xrevrange):calls=(\d+)/gm)]
  return counts.reduce((sum, [, calls]) => sum + Number(calls), 0)
}
