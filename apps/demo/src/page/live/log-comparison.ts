import type { Ledger } from './arrivals.ts'

/** The outcome of a comparison with the log. */
export interface Checked {
  /** Events that came after the one in question. */
  readonly events: number
  readonly missing: number
}

/** What an audit is made of. */
export interface AuditOptions {
  readonly ledger: Ledger
  /** Asks the log which events came after an id. */
  idsAfter(id: string | undefined): Promise<readonly string[]>
}

/** How long an event that is in the log may take to arrive. */
const arrivalMs = 3_000

/** Creates what compares the events that arrived with the log, one comparison after another. */
export function createAudit({
  ledger,
  idsAfter,
}: AuditOptions): (lastEventId?: string | undefined) => Promise<Checked> {
  let before: Promise<unknown> = Promise.resolve()

  async function check(lastEventId: string | undefined): Promise<Checked> {
    const ids = await idsAfter(ledger.checkedTo)
    const newest = ids.at(-1)
    if (newest !== undefined) await ledger.arrival(newest, arrivalMs)
    const behind = lastEventId === undefined ? -1 : ids.indexOf(lastEventId)
    return { events: ids.length - 1 - behind, missing: ledger.compare(ids) }
  }

  return (lastEventId) => {
    const result = before.then(() => check(lastEventId))
    before = result.catch(() => {})
    return result
  }
}
