import type { Backend, ChannelLog, StateChange, StoredEvent } from '@trpc-sse/server'
import { retain } from './app.ts'

/** The log of the map, with the channel's retention. */
export const log: ChannelLog = {
  key: '["map"]',
  retain,
  entries: { checkMs: 1_000, setWithEvents: true },
}

/** Everything that has happened to a map, in order. */
export interface Model {
  readonly events: readonly StoredEvent[]
  /** Returns the map as it was at each of these ids, as text. */
  statesAt(ids: Iterable<string>): ReadonlyMap<string, string>
  stop(): Promise<void>
}

/** Records all changes of the map from the start. Throws if one is missing. */
export async function recordModel(backend: Backend): Promise<Model> {
  const events: StoredEvent[] = []
  const errors: string[] = []
  const { lastEventId: origin } = await backend.read(log, { last: 0, limit: 1 })
  const stop = await backend.listen(log, {
    onEvent(event) {
      const last = events.at(-1)?.id ?? origin
      if (event.prev !== last) errors.push(`${event.id} follows ${event.prev}, not ${last}`)
      events.push(event)
    },
    onInterrupted: () => void errors.push('interrupted'),
  })
  return {
    events,
    statesAt(ids) {
      if (errors.length > 0) throw new Error(errors.join('\n'))
      const wanted = new Set(ids)
      const states = new Map<string, string>()
      const map = new Map<string, unknown>()
      if (wanted.has(origin)) states.set(origin, textOf(map))
      for (const { id, data } of events) {
        apply(map, JSON.parse(data))
        if (wanted.has(id)) states.set(id, textOf(map))
      }
      return states
    },
    stop,
  }
}

/** Applies a change to a map. */
export function apply(map: Map<string, unknown>, change: StateChange<unknown>): void {
  if (change.type === 'set') map.set(change.key, change.value)
  else map.delete(change.key)
}

/** Returns a map as text, which is the same for equal maps. */
export function textOf(map: ReadonlyMap<string, unknown>): string {
  return JSON.stringify([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
}
