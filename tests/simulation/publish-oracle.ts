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

function lifeOf(fact: StoredFact | undefined, hasKey: boolean): unknown {
  return hasKey ? fact?.flushes : fact?.resets
}

function problemOf(
  { room, events, hasKey, outcome, ids }: Published,
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
  if (outcome !== 'resolved') return undefined
  if (places.length === 0) return 'it resolved, and was never stored'
  if (!places.some((index) => facts[index]?.id === ids[0])) return 'it resolved with another id'
  const isContiguous = found.every(([index], i) => index === (places[0] ?? 0) + i)
  return isContiguous ? undefined : 'its events are not next to each other'
}
