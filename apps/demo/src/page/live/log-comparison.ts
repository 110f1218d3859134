import type { Arrivals } from './arrivals.ts'

/** The outcome of a comparison with the log. */
export interface Comparison {
  /** The number of events in the log after the given id. */
  readonly events: number
  /** The number of them that never arrived. */
  readonly missing: number
}

/** How long an event that is in the log may take to arrive. */
const arrivalMs = 3_000

/**
 * Creates a function that compares the events that arrived with the log. `idsAfter` asks the log
 * which events came after an id. Comparisons run one after another.
 */
export function createLogComparison(
  arrivals: Arrivals,
  idsAfter: (id: string | undefined) => Promise<readonly string[]>,
): (lastEventId: string | undefined) => Promise<Comparison> {
  let previous: Promise<unknown> = Promise.resolve()

  async function compare(lastEventId: string | undefined): Promise<Comparison> {
    const ids = await idsAfter(arrivals.comparedTo)
    const newest = ids.at(-1)
    if (newest !== undefined) await arrivals.arrival(newest, arrivalMs)
    const index = lastEventId === undefined ? -1 : ids.indexOf(lastEventId)
    return { events: ids.length - 1 - index, missing: arrivals.countMissing(ids) }
  }

  return (lastEventId) => {
    const result = previous.then(() => compare(lastEventId))
    previous = result.catch(() => {})
    return result
  }
}
