/** The maximum number of rows in a list. */
export const maxRows = 50
/** The maximum number of logs that a row of a subscription has. */
export const maxReaders = 5
/** The maximum number of events of a log, and of entries, in an answer. */
export const maxEvents = 20
/** The maximum number of characters of an event, or an entry, in an answer. */
export const maxData = 2_000
/** The maximum size of a request's body, in characters. */
export const maxBody = 262_144
/** The maximum number of requests that one instance answers at the same time. */
export const maxRequests = 16
/** The time for which `allow` and `createContext` may take together, in milliseconds. */
export const allowMs = 5_000
/** The time after which an answer is given up, in milliseconds. */
export const answerMs = 8_000

/** Shortens a text that a client may have chosen. */
export function short(text: string, max = 200): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`
}

/** Returns the first rows, and counts all. */
export function firstRows<TItem, TRow>(
  items: readonly TItem[],
  toRow: (item: TItem) => TRow,
): { readonly rows: readonly TRow[]; readonly total: number } {
  return { rows: items.slice(0, maxRows).map(toRow), total: items.length }
}
