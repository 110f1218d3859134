import type { Entry } from './entry.ts'
import type { WantedCall } from './set.ts'

/** An entry that is the same subscription as every other one with its identity, and what it is on the wire. */
export interface CallLine extends Entry {
  readonly identity: string
  readonly call: WantedCall
}

/** All entries of a set, by what they are. */
export interface Lines extends Iterable<CallLine> {
  readonly size: () => number
  /** Those that are the same subscription. */
  like(identity: string): readonly CallLine[]
  add(line: CallLine): void
  delete(line: CallLine): void
  /** Makes one of two that are the same subscription and stand at the same place. */
  merge(line: CallLine): void
}

/** Creates an empty collection. */
export function createLines(): Lines {
  const all = new Set<CallLine>()
  const families = new Map<string, CallLine[]>()
  const like = (identity: string): readonly CallLine[] => families.get(identity) ?? []
  return {
    [Symbol.iterator]: () => [...all].values(),
    size: () => all.size,
    like,
    add(line) {
      all.add(line)
      families.set(line.identity, [...like(line.identity), line])
    },
    delete(line) {
      all.delete(line)
      const others = like(line.identity).filter((other) => other !== line)
      if (others.length > 0) families.set(line.identity, others)
      else families.delete(line.identity)
    },
    merge({ identity, feed }) {
      const isAtSamePlace = (other: CallLine['feed']): boolean =>
        other.isSettled() && other.source() === feed.source() && other.lastEventId() === feed.lastEventId()
      const [elder, younger] = like(identity).filter((line) => isAtSamePlace(line.feed))
      if (elder && younger) elder.adopt(younger)
    },
  }
}
