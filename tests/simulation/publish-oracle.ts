import type { Violation } from './oracle.ts'
import type { Published } from './publisher.ts'
import type { Facts, StoredFact } from './store/facts.ts'

/** Checks what publishes said of themselves. */
export function checkPublished(
  published: readonly Published[],
  known: Facts,
  atMs: number,
): Violation[] {
  return published.flatMap((one) => {
    const problem = problemOf(one, known)
    if (problem === undefined) return []
    const text = `the publish of ${one.events.join(', ')} to ${one.room}: ${problem}`
    return [{ kind: 'publish', text, atMs, actor: 'publisher', about: [one.room] }]
  })
}

/**
 * Checks that what one process was asked to publish to a room was stored in that order. Only Redis has
 * it: between an instance and the memory backend, each call has a delay of its own.
 */
export function checkOrder(
  published: readonly Published[],
  known: Facts,
  atMs: number,
): Violation[] {
  const newest = new Map<unknown, Map<string, number>>()
  return published.flatMap(({ room, events: [n], sentBy, outcome }) => {
    const index = known.of(room).findIndex((fact) => fact.n === n)
    if (sentBy === undefined || outcome !== 'resolved' || index < 0) return []
    const rooms = newest.get(sentBy) ?? new Map<string, number>()
    newest.set(sentBy, rooms)
    const before = rooms.get(room) ?? -1
    rooms.set(room, Math.max(before, index))
    if (index > before) return []
    const text = `${n} was stored before an event that ${sentBy.name} was given earlier`
    return [{ kind: 'order', text, atMs, actor: 'publisher', about: [room] }]
  })
}

function lifeOf(fact: StoredFact | undefined, hasKey: boolean): unknown {
  return hasKey ? fact?.flushes : fact?.resets
}

function problemOf(
  { room, events, hasKey, outcome, ids, sentBy }: Published,
  known: Facts,
): string | undefined {
  const facts = known.of(room)
  const found = events.map((n) => facts.flatMap((fact, index) => (fact.n === n ? [index] : [])))
  const counts = new Set(found.map(({ length }) => length))
  if (counts.size > 1) return 'only a part of it was stored'
  const [places = []] = found
  // A store that has forgotten everything has forgotten its keys. A log that was emptied doesn't show
  // what was stored, so that a publish whose answer was lost is stored again.
  const kept = places.filter((index) => facts[index]?.lostAt === Infinity)
  const lives = new Set(kept.map((index) => lifeOf(facts[index], hasKey))).size
  if (kept.length > Math.max(1, lives)) return `it was stored ${kept.length} times`
  if (outcome === 'unknown' && sentBy && !sentBy.hasCrashed) return 'it never settled'
  if (outcome !== 'resolved') return undefined
  if (places.length === 0) return 'it resolved, and was never stored'
  if (!places.some((index) => facts[index]?.id === ids[0])) return 'it resolved with another id'
  const isContiguous = found.every(([index], i) => index === (places[0] ?? 0) + i)
  return isContiguous ? undefined : 'its events are not next to each other'
}
