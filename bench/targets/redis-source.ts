import { Redis } from 'ioredis'
import type { TargetSettings } from './target.ts'
import type { StoredTick, TickSource } from './tick-source.ts'

/**
 * A stream in Redis that each subscriber reads on its own connection: the usual code for stock
 * tRPC.
 */
export function redisSource({ retain }: TargetSettings, url: string): TickSource {
  const redis = new Redis(url, { enableAutoPipelining: true })
  let reading = 0

  async function* read(
    channel: number,
    { signal, lastEventId }: Parameters<TickSource['read']>[1],
  ): AsyncGenerator<StoredTick> {
    const reader = redis.duplicate()
    // The connection is in a blocking read when its subscriber leaves.
    reader.on('error', () => {})
    signal?.addEventListener('abort', () => reader.disconnect())
    const key = keyOf(channel)
    let id = lastEventId ?? (await lastId(key))
    reading += 1
    try {
      while (!signal?.aborted) {
        const streams = await reader.xread('COUNT', 1_000, 'BLOCK', 0, 'STREAMS', key, id)
        for (const [entryId, fields] of streams?.[0]?.[1] ?? []) {
          id = entryId
          yield { id, data: JSON.parse(fields[1] ?? '') }
        }
      }
    } catch (error) {
      if (!signal?.aborted) throw error
    } finally {
      reading -= 1
      reader.disconnect()
    }
  }

  async function lastId(key: string): Promise<string> {
    const [newest] = await redis.xrevrange(key, '+', '-', 'COUNT', 1)
    return newest?.[0] ?? '0-0'
  }

  return {
    read,
    reading: () => reading,
    publish: (event, channel) =>
      redis.xadd(keyOf(channel), 'MAXLEN', '~', retain, '*', 'data', JSON.stringify(event)),
  }
}

function keyOf(channel: number): string {
  return `ticks:${channel}`
}
