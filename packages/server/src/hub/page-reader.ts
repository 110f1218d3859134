import { type Clock, type EventId, fullJitterMs } from '@trpc-sse/protocol'
import type { ReadFrom } from '../backend/backend.ts'
import type { LogPosition } from './contiguity.ts'
import type { LogReader } from './log-reader.ts'
import type { Page } from './page.ts'
import type { PageCache } from './page-cache.ts'
import type { Read, ReadGroup, Reads } from './reads.ts'

/** Who reads a log page by page. */
export interface PageReader {
  readonly group: ReadGroup
  /** The page that was asked for is there, from this index on. */
  onPage(page: Page, index: number): void
  /** It isn't read, because the group can't take it now. */
  onBackpressure(): void
}

/** What the pages of a log are made of. */
export interface PagesOptions {
  readonly log: string
  readonly clock: Clock
  readonly reads: Reads
  readonly cache: PageCache
  readonly reader: LogReader
  /** A page has arrived. */
  onPage(page: Page): void
}

/** Events in one read of a log. */
export const pageSize = 256
/** Bytes of payload in one read of a log, unless one event has more. */
export const pageBytes = 262_144
/** How many pages are looked at for a reader that comes. */
const mostLookedAt = 64
const retryBaseMs = 100
const retryMaxMs = 5_000

/**
 * The pages of one log, for readers who are not in its window. Nothing is read ahead: a page is read when it is a
 * reader's turn that waits for it and has room. What was read serves all who stand in it.
 */
export class Pages {
  readonly #options: PagesOptions
  /** Newest first. */
  readonly #recent: Page[] = []
  readonly #waiting = new Set<PageRequest>()
  readonly #underWay = new Map<PageRequest, AbortController>()
  #failures = 0
  #cancelRetry: (() => void) | undefined

  constructor(options: PagesOptions) {
    this.#options = options
  }

  /** The recent page that an id is in, and the index from which to read on. */
  find(after: EventId): { readonly page: Page; readonly index: number } | undefined {
    for (const page of this.#recent.slice(0, mostLookedAt)) {
      if (!this.#options.cache.isFresh(page)) return undefined
      const index = page.indexAfter(after)
      if (index >= 0) return { page, index }
    }
    return undefined
  }

  /** Reads a page when it is the reader's turn. Failures are reported, and the page is read once more after a while. */
  request(reader: PageReader, from: ReadFrom, position: LogPosition | undefined): PageRequest {
    const request = new PageRequest(this, this.#options.log, reader, from, position)
    this.#waiting.add(request)
    if (this.#cancelRetry === undefined && !this.#isBeingRead(request))
      this.#options.reads.add(request)
    return request
  }

  /** The reader has left, or has no room. */
  cancel(request: PageRequest): void {
    this.#settle(request)
    if (this.#waiting.size > 0) return
    for (const controller of this.#underWay.values()) controller.abort()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
  }

  /** Forgets what was read: the log is not what it was. */
  forget(): void {
    for (const page of [...this.#recent]) this.#options.cache.drop(page)
  }

  /** Reads for a request, and for all others that the page serves. */
  async read(request: PageRequest): Promise<void> {
    const controller = new AbortController()
    this.#underWay.set(request, controller)
    request.isUnderWay = true
    try {
      const range = { ...request.from, limit: pageSize, maxBytes: pageBytes }
      const page = await this.#options.reader.read(range, request.position, controller.signal)
      request.isUnderWay = false
      this.#failures = 0
      this.#keep(page)
      this.#serve(request, page)
    } catch {
      request.isUnderWay = false
      if (!controller.signal.aborted) this.#retryLater()
    }
    this.#underWay.delete(request)
  }

  /** Whether the page that another request is having read right now is just the one that is asked for. */
  #isBeingRead(request: PageRequest): boolean {
    for (const [other, { signal }] of this.#underWay)
      if (!signal.aborted && request.asksLike(other)) return true
    return false
  }

  #keep(page: Page): void {
    this.#options.onPage(page)
    if (page.count === 0) return
    this.#recent.unshift(page)
    this.#options.cache.add(page, () => this.#recent.splice(this.#recent.lastIndexOf(page), 1))
  }

  #serve(first: PageRequest, page: Page): void {
    const others = [...this.#waiting]
    if (this.#settle(first)) first.reader.onPage(page, 0)
    for (const request of others) {
      const index = request === first ? -1 : request.indexIn(page, first)
      if (index >= 0 && this.#settle(request)) request.reader.onPage(page, index)
    }
  }

  #settle(request: PageRequest): boolean {
    this.#options.reads.delete(request)
    return this.#waiting.delete(request)
  }

  /** All who wait do so until then: the log would fail them too. */
  #retryLater(): void {
    if (this.#waiting.size === 0 || this.#cancelRetry) return
    const { clock, reads } = this.#options
    for (const request of this.#waiting) reads.delete(request)
    const delayMs = fullJitterMs(clock, this.#failures++, retryBaseMs, retryMaxMs)
    this.#cancelRetry = clock.after(delayMs, () => {
      this.#cancelRetry = undefined
      for (const request of [...this.#waiting]) if (!request.isUnderWay) reads.add(request)
    })
  }
}

/** One page that a reader waits for. */
export class PageRequest implements Read {
  readonly log: string
  readonly reader: PageReader
  readonly from: ReadFrom
  readonly position: LogPosition | undefined
  isUnderWay = false
  readonly #pages: Pages

  constructor(
    pages: Pages,
    log: string,
    reader: PageReader,
    from: ReadFrom,
    position: LogPosition | undefined,
  ) {
    this.#pages = pages
    this.log = log
    this.reader = reader
    this.from = from
    this.position = position
  }

  get group(): ReadGroup {
    return this.reader.group
  }

  /** From where the page of another request serves this one too; -1 if it doesn't. */
  indexIn(page: Page, { from }: PageRequest): number {
    if ('last' in this.from) return 'last' in from && from.last === this.from.last ? 0 : -1
    // Past an event that can't be decoded, only its own page can tell what follows.
    return this.position?.skipped === undefined ? page.indexAfter(this.from.after) : -1
  }

  /** Whether both ask for the same page. */
  asksLike({ from, position }: PageRequest): boolean {
    const skipped = this.position?.skipped ?? position?.skipped
    if ('last' in this.from || 'last' in from) return Object.is(lastOf(this.from), lastOf(from))
    return skipped === undefined && this.from.after === from.after
  }

  isWanted(): boolean {
    return this.group.canRead()
  }

  start(): Promise<void> {
    return this.#pages.read(this)
  }

  dropped(): void {
    this.cancel()
    this.reader.onBackpressure()
  }

  cancel(): void {
    this.#pages.cancel(this)
  }
}

function lastOf(from: ReadFrom): number | undefined {
  return 'last' in from ? from.last : undefined
}
