import { EventEmitter, on } from 'node:events'
import type { Tick } from '../payload.ts'
import type { TargetSettings } from './target.ts'
import type { StoredTick, TickSource } from './tick-source.ts'

/**
 * An EventEmitter, as in tRPC's documentation, and an array of stored events in place of its
 * database.
 */
export function memorySource({ retain }: TargetSettings): TickSource {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const kept = new Map<number, StoredTick[]>()
  let reading = 0

  async function* read(
    channel: number,
    { signal, lastEventId }: Parameters<TickSource['read']>[1],
  ): AsyncGenerator<StoredTick> {
    // Listen first, so that no event is missed between the stored ones and the new ones.
    const live = on(emitter, String(channel), signal ? { signal } : {})
    reading += 1
    try {
      if (lastEventId !== undefined) {
        for (const tick of kept.get(channel) ?? [])
          if (tick.data.n > Number(lastEventId)) yield tick
      }
      for await (const [tick] of live) yield tick as StoredTick
    } finally {
      reading -= 1
    }
  }

  return {
    read,
    reading: () => reading,
    publish(data: Tick, channel: number) {
      const tick = { id: String(data.n), data }
      const ticks = kept.get(channel) ?? []
      kept.set(channel, ticks)
      // Trim at twice the size: removing the oldest event each time would cost more than the
      // measured work.
      if (ticks.push(tick) >= retain * 2) ticks.splice(0, retain)
      emitter.emit(String(channel), tick)
    },
  }
}
