import type { Violation } from './oracle.ts'
import type { Published } from './publisher.ts'
import type { SimulatedStore } from './store.ts'

/** Checks what publishes said of themselves. */
export function checkPublished(
  published: readonly Published[],
  store: SimulatedStore,
  atMs: number,
): Violation[] {
  return published.flatMap((one) => {
    const problem = problemOf(one, store)
    if (problem === undefined) return []
    const text = `the publish of ${one.events.join(', ')} to ${one.room}: ${problem}`
    return [{ kind: 'publish', text, atMs, actor: 'publisher', about: [one.room] }]
  })
}

function problemOf(
  { room, events, hasKey, outcome, ids }: Published,
  store: SimulatedStore,
): string | undefined {
  const facts = store.factsOf(room)
  const found = events.map((n) => facts.flatMap((fact, index) => (fact.n === n ? [index] : [])))
  const counts = new Set(found.map(({ length }) => length))
  if (counts.size > 1) return 'only a part of it was stored'
  const [places = []] = found
  // A store that has forgotten everything has forgotten its keys.
  const lives = new Set(places.map((index) => facts[index]?.flushes)).size
  if (places.length > (hasKey ? lives : 1)) return `it was stored ${places.length} times`
  if (outcome !== 'resolved') return undefined
  if (places.length === 0) return 'it resolved, and was never stored'
  if (!places.some((index) => facts[index]?.id === ids[0])) return 'it resolved with another id'
  const isContiguous = found.every(([index], i) => index === (places[0] ?? 0) + i)
  return isContiguous ? undefined : 'its events are not next to each other'
}
