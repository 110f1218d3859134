/** Which events of a log have arrived, to be compared with what the log says. */
export interface Ledger {
  /** Notes an event. Says whether it is new. */
  note(id: string): boolean
  /** The last event up to which everything was compared, or the first that arrived. */
  readonly checkedTo: string | undefined
  /** Resolves when an event has arrived; after so many milliseconds anyway. */
  arrival(id: string, timeoutMs: number): Promise<void>
  /** Compares with the log's ids behind `checkedTo`. Returns how many of them never arrived. */
  compare(ids: readonly string[]): number
}

/** An event that comes again does so soon: older ids need not be remembered. */
const remembered = 5_000

/** Creates a ledger. */
export function createLedger(): Ledger {
  const seen = new Set<string>()
  const waiting = new Map<string, () => void>()
  let checkedTo: string | undefined

  return {
    get checkedTo() {
      return checkedTo
    },
    note(id) {
      if (seen.has(id)) return false
      seen.add(id)
      checkedTo ??= id
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
    compare(ids) {
      checkedTo = ids.at(-1) ?? checkedTo
      return ids.filter((id) => !seen.has(id)).length
    },
  }
}
