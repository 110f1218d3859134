import { acrossCopies } from '../shared-state.ts'

/** The most ids that are remembered of each kind. */
const most = 1_024

/** Ids that iterations have given lately: those that know the call they belong to, and those that don't. */
const recent = acrossCopies('recent ids', () => ({
  known: new Set<string>(),
  unknown: new Set<string>(),
}))

/**
 * Remembers an id that an iteration has given, and whether that iteration knew where its client resumes. A worker need
 * not know that; but a generator procedure that doesn't starts anew at every reconnect, and loses what was meanwhile.
 */
export function rememberId(id: string, knowsCall: boolean): void {
  // Most processes have no such iteration, and remember nothing.
  if (knowsCall && recent.unknown.size === 0) return
  const ids = knowsCall ? recent.known : recent.unknown
  ids.delete(id)
  ids.add(id)
  const [oldest] = ids
  if (ids.size > most && oldest !== undefined) ids.delete(oldest)
}

/** Whether an id that a generator yields comes from an iteration that could not resume. */
export function comesFromNowhere(id: string): boolean {
  return recent.unknown.has(id) && !recent.known.has(id)
}
