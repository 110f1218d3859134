import { acrossCopies } from '../shared-state.ts'

/** How many ids of each kind are remembered. */
const most = 1_024

/** Ids that iterations have returned lately, by whether the iteration knew its call. */
const recent = acrossCopies('recent ids', () => ({
  known: new Set<string>(),
  unknown: new Set<string>(),
}))

/**
 * Remembers an id that an iteration has returned, and whether that iteration knew where its client
 * resumes. A worker doesn't need to know. A generator procedure that doesn't know starts anew at
 * every reconnect, and loses the events published meanwhile.
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

/** Whether an id that a generator yields comes from an iteration that couldn't resume. */
export function comesFromNowhere(id: string): boolean {
  return recent.unknown.has(id) && !recent.known.has(id)
}
