import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Page } from './page.ts'

interface CachedPage {
  readonly atMs: number
  readonly onDrop: () => void
}

/** How old a page may be for a new reader, in milliseconds. */
const freshMs = 1_000

/** Keeps the newest pages of all logs of a process in memory, up to so many bytes. */
export class PageCache {
  readonly #maxBytes: number
  readonly #elapsedMs: () => number
  readonly #pages = new Map<Page, CachedPage>()
  #bytes = 0

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Adds a page; calls `onDrop` when it is dropped. */
  add(page: Page, onDrop: () => void): void {
    this.#pages.set(page, { atMs: this.#elapsedMs(), onDrop })
    this.#bytes += page.bytes
    for (const [oldest] of this.#pages) {
      // The newest page is kept whatever its size, as its reader is about to read it.
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
