import { createKeyTable, type KeyTable } from './keys.ts'
import type { Line } from './lines.ts'
import { writeMultiplexedBody } from './multiplexed.ts'
import type { WantedCall } from './set.ts'

/** An entry, and what it is on the wire. */
export interface CallLine extends Line {
  readonly call: WantedCall
}

/** What each stream of a set carries: the set that it was last asked for, and its name in control requests. */
export interface Carried {
  /** Makes the set of a stream what is wanted now, and writes that down. */
  write(stream: number): string
  /** Whether the set of a stream is not what is wanted. */
  differs(stream: number): boolean
  /** Whether all of a stream's set runs on it. */
  isDone(stream: number): boolean
  /** A stream is open, and has this name if it has one. */
  opened(stream: number, connectionId: string | undefined): void
  get(stream: number, key: string): CallLine | undefined
  /** Forgets what the server has ended. */
  forget(line: CallLine): void
  /** A stream is gone. */
  drop(stream: number): void
  /** All streams are gone; says which they were. */
  clear(): readonly number[]
  /** Whether there is an older stream on which nothing runs any more, and a newer one that is open. */
  hasMoved(lines: Iterable<CallLine>): boolean
}

/** Creates the memory of a set that has no stream. */
export function createCarried(wanted: () => ReadonlySet<CallLine>): Carried {
  const tables = new Map<number, KeyTable<CallLine>>()
  const connectionIds = new Map<number, string | undefined>()
  let revision = 0

  return {
    write(stream) {
      const table = tables.get(stream) ?? createKeyTable<CallLine>(({ identity }) => identity)
      tables.set(stream, table)
      for (const { feed } of table.update(wanted())) feed.requested(stream)
      const calls = Array.from(
        table.keys,
        ([key, { call, feed }]) => [key, { ...call, lastEventId: feed.lastEventId() }] as const,
      )
      return writeMultiplexedBody(++revision, connectionIds.get(stream), calls)
    },
    differs: (stream) => tables.get(stream)?.differs(wanted()) ?? false,
    isDone: (stream) =>
      [...(tables.get(stream)?.keys.values() ?? [])].every(({ feed }) => feed.source() === stream),
    opened: (stream, connectionId) => connectionIds.set(stream, connectionId),
    get: (stream, key) => tables.get(stream)?.get(key),
    forget(line) {
      for (const table of tables.values()) table.forget(line)
    },
    drop(stream) {
      tables.delete(stream)
      connectionIds.delete(stream)
    },
    clear() {
      const streams = [...tables.keys()]
      tables.clear()
      connectionIds.clear()
      return streams
    },
    hasMoved(lines) {
      if (tables.size < 2) return false
      const newest = Math.max(...tables.keys())
      const isOnNewest = ({ feed }: CallLine): boolean => (feed.source() ?? newest) === newest
      return connectionIds.has(newest) && [...lines].every(isOnNewest)
    },
  }
}
