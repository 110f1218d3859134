import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Page } from './page.ts'

interface Kept {
  readonly atMs: number
  readonly onDrop: () => void
}

/** How old a page may be, in milliseconds, for a reader that comes to it. */
const freshMs = 1_000

/** Keeps the entries of pages in memory, for all logs of a process: the newest pages, up to so many bytes. */
export class PageCache {
  readonly #maxBytes: number
  readonly #elapsedMs: () => number
  readonly #pages = new Map<Page, Kept>()
  #bytes = 0

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Keeps a page. Calls back when it is dropped. */
  add(page: Page, onDrop: () => void): void {
    this.#pages.set(page, { atMs: this.#elapsedMs(), onDrop })
    this.#bytes += page.bytes
    for (const [oldest] of this.#pages) {
      // The newest is kept whatever its size: somebody is about to read it.
      if (this.#bytes <= this.#maxBytes || oldest === page) return
      this.drop(oldest)
    }
  }

  /** Whether a page still tells what the log tells, for a reader that comes to it. */
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
