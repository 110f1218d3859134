import { type Clock, type EventId, fullJitterMs } from '@trpc-sse/protocol'
import type { ReadFrom } from '../backend/backend.ts'
import type { LogPosition } from './contiguity.ts'
import type { LogReader } from './log-reader.ts'
import type { Page } from './page.ts'
import type { PageCache } from './page-cache.ts'
import type { Read, ReadGroup, Reads } from './reads.ts'

/** A consumer that reads a log page by page. */
export interface PageConsumer {
  readonly group: ReadGroup
  /** Called with the requested page. The consumer reads the page from this index on. */
  onPage(page: Page, index: number): void
  /** Called instead of `onPage` if the group currently has no room for a page. */
  onBackpressure(): void
}

/** The parts of a {@link PageReader}. */
export interface PageReaderOptions {
  readonly log: string
  readonly clock: Clock
  readonly reads: Reads
  readonly cache: PageCache
  readonly reader: LogReader
  /** Called with each page before its consumers get it. */
  onPage(page: Page): void
}

/** The maximum number of events in one read of a log. */
export const pageSize = 256
/** The maximum bytes of payload in one read of a log. A single event may have more. */
export const pageBytes = 262_144
/** The maximum number of recent pages in which a position is looked up. */
const maxLookups = 64
const retryBaseMs = 100
const retryMaxMs = 5_000

/** Returns the maximum number of events in one read. */
export function pageLimit(clock: Clock): number {
  return clock.rare?.('page of one') ? 1 : pageSize
}

/**
 * Reads the pages of one log, for consumers that are not in the hub's window. Nothing is read
 * ahead: a page is read only when a consumer waits for it, has room for it, and has its turn. The
 * page then serves all consumers whose position is in it.
 */
export class PageReader {
  readonly #options: PageReaderOptions
  /** Newest first. */
  readonly #recent: Page[] = []
  readonly #waiting = new Set<PageRequest>()
  readonly #underWay = new Map<PageRequest, AbortController>()
  #failures = 0
  #cancelRetry: (() => void) | undefined

  constructor(options: PageReaderOptions) {
    this.#options = options
  }

  /** Returns the recent page with the entry after an id, and the index of that entry. */
  find(after: EventId): { readonly page: Page; readonly index: number } | undefined {
    let lookups = 0
    for (const page of this.#recent) {
      if (++lookups > maxLookups || !this.#options.cache.isFresh(page)) return undefined
      const index = page.indexAfter(after)
      if (index >= 0) return { page, index }
    }
    return undefined
  }

  /**
   * Requests a page, which is read when it is the consumer's turn. A failed read is reported and
   * retried.
   */
  request(consumer: PageConsumer, from: ReadFrom, position: LogPosition | undefined): PageRequest {
    const request = new PageRequest(this, this.#options.log, consumer, from, position)
    this.#waiting.add(request)
    if (this.#cancelRetry === undefined && !this.#isBeingRead(request))
      this.#options.reads.add(request)
    return request
  }

  /** Withdraws a request whose consumer is closed or has no room. */
  cancel(request: PageRequest): void {
    this.#settle(request)
    if (this.#waiting.size > 0) return
    for (const controller of this.#underWay.values()) controller.abort()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
  }

  /** Forgets the recent pages. Call it when the log was cleared or the hub is closed. */
  forget(): void {
    for (const page of [...this.#recent]) this.#options.cache.drop(page)
  }

  /**
   * Reads the page of a request. Serves that request and all others whose position is in the page.
   */
  async read(request: PageRequest): Promise<void> {
    const controller = new AbortController()
    this.#underWay.set(request, controller)
    request.isUnderWay = true
    try {
      const limit = pageLimit(this.#options.clock)
      const range = { ...request.from, limit, maxBytes: pageBytes }
      const { signal } = controller
      const page = await this.#options.reader.read(range, request.position, {
        cause: 'replay',
        signal,
      })
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

  /** Whether the page of this request is already being read for another request. */
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
    if (this.#settle(first)) first.consumer.onPage(page, 0)
    for (const request of others) {
      const index = request === first ? -1 : request.indexIn(page, first)
      if (index >= 0 && this.#settle(request)) request.consumer.onPage(page, index)
    }
  }

  #settle(request: PageRequest): boolean {
    this.#options.reads.delete(request)
    return this.#waiting.delete(request)
  }

  /** Delays all requests, as their reads would probably fail too. */
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

/** A consumer's request for a page. */
export class PageRequest implements Read {
  readonly log: string
  readonly consumer: PageConsumer
  readonly from: ReadFrom
  readonly position: LogPosition | undefined
  isUnderWay = false
  readonly #pageReader: PageReader

  constructor(
    pageReader: PageReader,
    log: string,
    consumer: PageConsumer,
    from: ReadFrom,
    position: LogPosition | undefined,
  ) {
    this.#pageReader = pageReader
    this.log = log
    this.consumer = consumer
    this.from = from
    this.position = position
  }

  get group(): ReadGroup {
    return this.consumer.group
  }

  /** Returns the index at which the page of another request serves this one; -1 if it doesn't. */
  indexIn(page: Page, other: PageRequest): number {
    // A request for the same page isn't read separately, so it gets this page, whatever its
    // content.
    if (this.asksLike(other)) return 0
    if ('last' in this.from) return -1
    // After an undecodable event, only this request's own page can be checked for contiguity.
    return this.position?.skipped === undefined ? page.indexAfter(this.from.after) : -1
  }

  /** Whether both requests are for the same page. */
  asksLike({ from, position }: PageRequest): boolean {
    const skipped = this.position?.skipped ?? position?.skipped
    if ('last' in this.from || 'last' in from) return Object.is(lastOf(this.from), lastOf(from))
    return skipped === undefined && this.from.after === from.after
  }

  isWanted(): boolean {
    return this.group.canRead()
  }

  start(): Promise<void> {
    return this.#pageReader.read(this)
  }

  onDropped(): void {
    this.cancel()
    this.consumer.onBackpressure()
  }

  cancel(): void {
    this.#pageReader.cancel(this)
  }
}

function lastOf(from: ReadFrom): number | undefined {
  return 'last' in from ? from.last : undefined
}
