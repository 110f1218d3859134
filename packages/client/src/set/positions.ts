/**
 * A place for text that outlives the page: `sessionStorage`, `localStorage`, or anything of that
 * shape.
 */
export interface PersistStorage {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
  removeItem(name: string): void
}

/** The positions of subscriptions, by their identity. */
export interface Positions {
  /** Returns the position that a subscription had, in this page or the previous one. */
  load(identity: string): string | undefined
  /** Keeps a position; `undefined` forgets it. */
  save(identity: string, lastEventId: string | undefined): void
}

/** Keeps nothing. */
export const noPositions: Positions = { load: () => undefined, save() {} }
