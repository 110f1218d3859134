/** The events that have arrived, to be compared with the log. */
export interface Arrivals {
  /** Notes an event. Returns whether it arrived for the first time. */
  note(id: string): boolean
  /**
   * The event up to which everything was compared. Before the first comparison, the first event
   * that arrived.
   */
  readonly comparedTo: string | undefined
  /** Resolves when the event has arrived, or after the timeout. */
  arrival(id: string, timeoutMs: number): Promise<void>
  /** Returns how many of the log's ids after `comparedTo` never arrived. */
  countMissing(ids: readonly string[]): number
}

/** A repeated event follows soon after the first: older ids can be forgotten. */
const remembered = 5_000

/** Creates an empty record of arrivals. */
export function createArrivals(): Arrivals {
  const seen = new Set<string>()
  const waiting = new Map<string, () => void>()
  let comparedTo: string | undefined

  return {
    get comparedTo() {
      return comparedTo
    },
    note(id) {
      if (seen.has(id)) return false
      seen.add(id)
      comparedTo ??= id
      waiting.get(id)?.()
      const [oldest] = seen
      if (seen.size > remembered && oldest !== undefined) seen.delete(oldest)
      return true
    },
    async arrival(id, timeoutMs) {
      if (seen.has(id)) return
      await new Promise<void>((resolve) => {
        waiting.set(id, resolve)
        setTimeout(resolve, timeoutMs)
      })
      waiting.delete(id)
    },
    countMissing(ids) {
      comparedTo = ids.at(-1) ?? comparedTo
      return ids.filter((id) => !seen.has(id)).length
    },
  }
}
