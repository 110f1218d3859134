import { acrossCopies } from '../shared-state.ts'

/** The maximum number of remembered ids of each kind. */
const most = 1_024

/** Ids that iterations have returned recently, grouped by whether the iteration knew its call. */
const recent = acrossCopies('recent ids', () => ({
  known: new Set<string>(),
  unknown: new Set<string>(),
}))

/**
 * Remembers an id that an iteration has returned, and whether that iteration knew its client's
 * position. A background worker doesn't need to know it. A generator procedure does: without the
 * position, it starts again at every reconnect, and loses the events published in between.
 */
export function rememberId(id: string, knowsCall: boolean): void {
  // Most processes have only iterations that know their call, and remember nothing.
  if (knowsCall && recent.unknown.size === 0) return
  const ids = knowsCall ? recent.known : recent.unknown
  ids.delete(id)
  ids.add(id)
  const [oldest] = ids
  if (ids.size > most && oldest !== undefined) ids.delete(oldest)
}

/** Whether an id that a generator yields was returned by an iteration that couldn't resume. */
export function comesFromNowhere(id: string): boolean {
  return recent.unknown.has(id) && !recent.known.has(id)
}
