import type { PeerEvent } from './peer.ts'

/** The events and notices that one client received, in order. */
export type Received = PeerEvent | 'notice'

/** The counts of one client. */
export interface Counts {
  readonly received: number
  /** Events that never came. */
  readonly lost: number
  /** Events that never came, without a notice where they are missing. */
  readonly silent: number
  /** Events that came again, although they were published once. */
  readonly repeated: number
  /** Events that came again, because they were published again after no answer had come. */
  readonly republished: number
  /** Events that came for the first time after a later one of their publisher. */
  readonly outOfOrder: number
  /** The number of notices: the library says that events may be missing. */
  readonly notices: number
}

/** Counts the events that a client received. Each publisher numbers its events from 1. */
export function count(
  received: readonly Received[],
  published: ReadonlyMap<string, number>,
): Counts {
  const sum = { received: 0, lost: 0, silent: 0, repeated: 0, republished: 0, outOfOrder: 0 }
  for (const [publisher, last] of published) {
    const one = countOne(received, publisher, last)
    for (const key of keys) sum[key] += one[key]
  }
  return { ...sum, notices: received.filter((entry) => entry === 'notice').length }
}

const keys = ['received', 'lost', 'silent', 'repeated', 'republished', 'outOfOrder'] as const

function countOne(
  received: readonly Received[],
  publisher: string,
  last: number,
): Omit<Counts, 'notices'> {
  const firstAt = new Map<number, number>()
  const attempts = new Set<string>()
  let all = 0
  let highest = 0
  let outOfOrder = 0
  for (const [at, entry] of received.entries()) {
    if (entry === 'notice' || entry.publisher !== publisher) continue
    all += 1
    attempts.add(`${entry.n} ${entry.attempt}`)
    if (firstAt.has(entry.n)) continue
    firstAt.set(entry.n, at)
    if (entry.n < highest) outOfOrder += 1
    highest = Math.max(highest, entry.n)
  }
  const lost = Array.from({ length: last }, (_, i) => i + 1).filter((n) => !firstAt.has(n))
  const silent = silentOf(lost, firstAt, received)
  return {
    received: all,
    lost: lost.length,
    silent,
    repeated: all - attempts.size,
    republished: attempts.size - firstAt.size,
    outOfOrder,
  }
}

/** Counts lost events without a notice between the events that came before and after them. */
function silentOf(
  lost: readonly number[],
  firstAt: ReadonlyMap<number, number>,
  received: readonly Received[],
): number {
  const seen = [...firstAt.keys()].toSorted((a, b) => a - b)
  const noticesAt = [...received.keys()].filter((at) => received[at] === 'notice')
  let silent = 0
  let next = 0
  for (const n of lost) {
    while (next < seen.length && (seen[next] ?? 0) < n) next += 1
    const from = firstAt.get(seen[next - 1] ?? 0) ?? -1
    const to = firstAt.get(seen[next] ?? 0) ?? received.length
    if (!noticesAt.some((at) => at > from && at < to)) silent += 1
  }
  return silent
}
