import type { Entry } from './entry.ts'

/** An entry that is the same subscription as every other one with its identity. */
export interface Line extends Entry {
  readonly identity: string
}

/** All entries of a set, by what they are. */
export interface Lines<TLine extends Line> extends Iterable<TLine> {
  readonly size: () => number
  /** Those that are the same subscription. */
  like(identity: string): readonly TLine[]
  add(line: TLine): void
  delete(line: TLine): void
  /** Makes one of two that are the same subscription and stand at the same place. */
  merge(line: TLine): void
}

/** Creates an empty collection. */
export function createLines<TLine extends Line>(): Lines<TLine> {
  const all = new Set<TLine>()
  const families = new Map<string, TLine[]>()
  const like = (identity: string): readonly TLine[] => families.get(identity) ?? []
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
      const place = feed.place()
      if (place === undefined || like(identity).length < 2) return
      const [elder, younger] = like(identity).filter((line) => line.feed.place() === place)
      if (elder && younger) elder.adopt(younger)
    },
  }
}
