import { type Clock, type EventId, fullJitterMs } from '@trpc-sse/protocol'
import type { ReadFrom } from '../backend/backend.ts'
import type { LogPosition } from './contiguity.ts'
import type { LogReader } from './log-reader.ts'
import type { Page } from './page.ts'
import type { PageCache } from './page-cache.ts'
import type { Read, ReadGroup, Reads } from './reads.ts'

/** A reader of a log, page by page. */
export interface PageConsumer {
  readonly group: ReadGroup
  /** Called with the requested page, to be read from this index on. */
  onPage(page: Page, index: number): void
  /** Called instead of `onPage` if the group has no room for a page now. */
  onBackpressure(): void
}

/** What a {@link PageReader} is made of. */
export interface PageReaderOptions {
  readonly log: string
  readonly clock: Clock
  readonly reads: Reads
  readonly cache: PageCache
  readonly reader: LogReader
  /** Called with each page, before the consumers get it. */
  onPage(page: Page): void
}

/** Events in one read of a log. */
export const pageSize = 256
/** Bytes of payload in one read of a log; a single event may have more. */
export const pageBytes = 262_144
/** In how many recent pages a position is looked up. */
const maxLookups = 64
const retryBaseMs = 100
const retryMaxMs = 5_000

/**
 * Reads the pages of one log, for consumers that are not in the hub's window. Nothing is read
 * ahead: a page is read at the turn of a consumer that waits for it and has room for it. Then it
 * serves all consumers whose position is in it.
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

  /** Returns the recent page to read after an id, and the index of the next entry. */
  find(after: EventId): { readonly page: Page; readonly index: number } | undefined {
    let lookups = 0
    for (const page of this.#recent) {
      if (++lookups > maxLookups || !this.#options.cache.isFresh(page)) return undefined
      const index = page.indexAfter(after)
      if (index >= 0) return { page, index }
    }
    return undefined
  }

  /** Requests a page, to be read at the consumer's turn. A failed read is reported and retried. */
  request(consumer: PageConsumer, from: ReadFrom, position: LogPosition | undefined): PageRequest {
    const request = new PageRequest(this, this.#options.log, consumer, from, position)
    this.#waiting.add(request)
    if (this.#cancelRetry === undefined && !this.#isBeingRead(request))
      this.#options.reads.add(request)
    return request
  }

  /** Takes back a request: its consumer is closed, or has no room. */
  cancel(request: PageRequest): void {
    this.#settle(request)
    if (this.#waiting.size > 0) return
    for (const controller of this.#underWay.values()) controller.abort()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
  }

  /** Forgets the recent pages: the log was cleared or closed. */
  forget(): void {
    for (const page of [...this.#recent]) this.#options.cache.drop(page)
  }

  /**
   * Reads the page of a request. Serves it, and all other requests whose position is in the page.
   */
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

  /** Whether the page of a request is being read for another one. */
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

  /** Delays all requests: their reads would fail too. */
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

/** A page that a consumer waits for. */
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

  /** Returns the index from which the page of another request serves this one; -1 if it doesn't. */
  indexIn(page: Page, other: PageRequest): number {
    // Such a request waits for the other one's page, whatever that has.
    if (this.asksLike(other)) return 0
    if ('last' in this.from) return -1
    // After an undecodable event, only this request's own page is checked for contiguity.
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
