import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Page } from './page.ts'

interface CachedPage {
  readonly atMs: number
  readonly onDrop: () => void
}

/** The maximum age of a page for a new reader, in milliseconds. */
const freshMs = 1_000

/** Keeps the newest pages of all logs of a process in memory, up to `maxBytes`. */
export class PageCache {
  readonly #maxBytes: number
  readonly #elapsedMs: () => number
  readonly #pages = new Map<Page, CachedPage>()
  #bytes = 0

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Adds a page. Calls `onDrop` when the page is dropped. */
  add(page: Page, onDrop: () => void): void {
    this.#pages.set(page, { atMs: this.#elapsedMs(), onDrop })
    this.#bytes += page.bytes
    for (const [oldest] of this.#pages) {
      // Keep the newest page, whatever its size: its reader is about to use it.
      if (this.#bytes <= this.#maxBytes || oldest === page) return
      this.drop(oldest)
    }
  }

  /** Whether a page is recent enough to show the log's current state to a new reader. */
  isFresh(page: Page): boolean {
    const kept = this.#pages.get(page)
    return kept !== undefined && this.#elapsedMs() - kept.atMs < freshMs
  }

  drop(page: Page): void {
    const kept = this.#pages.get(page)
    if (kept === undefined) return
    this.#pages.delete(page)
    this.#bytes -= page.bytes
    page.drop()
    kept.onDrop()
  }
}
