import { EventEmitter, on } from 'node:events'
import type { Tick } from '../payload.ts'
import type { TargetSettings } from './target.ts'
import type { StoredTick, TickSource } from './tick-source.ts'

/**
 * An EventEmitter, as tRPC's documentation teaches, and an array of what was missed in place of its
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
    // Listens first, so that nothing is missed between what is kept and what comes.
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
      // Twice as many at most: to cut off the oldest one with each would cost more than what is
      // measured.
      if (ticks.push(tick) >= retain * 2) ticks.splice(0, retain)
      emitter.emit(String(channel), tick)
    },
  }
}
