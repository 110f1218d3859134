import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, StoredEvent, Unlisten } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import { detached } from '../user-code/async-context.ts'
import type { Tracer } from '../user-code/tracer.ts'
import { type Behind, prefillOf } from './behind.ts'
import type { NextPage } from './contiguity.ts'
import { Expiry } from './expiry.ts'
import { HubTrace } from './hub-trace.ts'
import type { LogEntry } from './log-event.ts'
import { createLogReader, type LogReader } from './log-reader.ts'
import type { OpeningReader } from './opening-reader.ts'
import type { Page } from './page.ts'
import type { PageCache } from './page-cache.ts'
import { PageReader, pageBytes, pageLimit } from './page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from './reads.ts'
import { FailureReport, type ReportError } from './report.ts'
import { RetryLoop } from './retry-loop.ts'
import { Wakeups } from './wakeups.ts'
import { Window, type WindowLimits } from './window.ts'

/** The parts of a {@link Hub}. */
export interface HubOptions {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly window: WindowLimits
  readonly behind: Behind
  readonly reads: Reads
  readonly pageCache: PageCache
  readonly report: ReportError
  readonly tracer: Tracer
}

/**
 * The maximum number of notifications that wait during a read. After more, the log is read again.
 */
const maxWaiting = 1_024

/**
 * A process's shared reader of one log. Until `close`, it listens for events, keeps the newest ones
 * in a window and wakes its readers.
 *
 * The log is the truth; a notification is only a hint. The hub accepts a notified event if it
 * follows the hub's last event. In every other case it reads the log.
 */
export class Hub {
  readonly log: ChannelLog
  /** What happens to readers that are too far behind. */
  readonly behind: Behind
  readonly report: ReportError
  /**
   * Reads the log for readers that are not in the window. A page that reaches the window's start is
   * added to it, so of all clients that return after a restart, only the first reads the log.
   */
  readonly pages: PageReader
  /** Readers to call, and then remove, when the hub has opened. */
  readonly openingReaders: Set<OpeningReader> = new Set()
  readonly #options: HubOptions
  readonly #reader: LogReader
  readonly #wakeups: Wakeups
  readonly #catchingUp: RetryLoop
  readonly #listenFailures: FailureReport
  readonly #readGroup = createReadGroup()
  #opening: Promise<void> | undefined
  #resolveOpening = (): void => {}
  #window: Window | undefined
  #failure: unknown
  #cleared: EventId | undefined
  #closed: RealtimeError | undefined
  #valueReaders = 0
  readonly #expiry: Expiry
  readonly #trace: HubTrace
  #unlisten: Unlisten | undefined
  /** Notifications that arrived during a read of the log. */
  #waiting: StoredEvent[] = []

  constructor(options: HubOptions) {
    const { log, clock, reads } = options
    this.#options = options
    this.log = log
    this.behind = options.behind
    this.#expiry = new Expiry(log.entries, clock)
    this.#trace = new HubTrace(options.tracer, log)
    this.report = (error, stage) => this.#closed ?? options.report(error, stage)
    this.#opening = new Promise((resolve) => {
      this.#resolveOpening = resolve
    })
    this.#reader = createLogReader(log, {
      ...options,
      report: this.report,
      keepsValues: () => this.#valueReaders > 0,
    })
    this.#wakeups = new Wakeups(options.window.events)
    this.#listenFailures = new FailureReport(this.report, 'listen')
    this.#catchingUp = new RetryLoop({
      clock,
      run: () => this.#catchUp(),
      onError: (error) => this.#onCatchUpFailed(error),
      onIdle: () => this.#takeWaiting(),
    })
    this.pages = new PageReader({
      log: log.key,
      clock,
      reads,
      cache: options.pageCache,
      reader: this.#reader,
      onPage: (page) => this.#extendWindow(page),
    })
    this.#catchingUp.request()
  }

  /** The newest events; `undefined` until the hub has read the log's end. */
  get window(): Window | undefined {
    return this.#window
  }

  /** Resolves when the hub is open or the first attempt has failed; `undefined` after that. */
  get opening(): Promise<void> | undefined {
    return this.#opening
  }

  /** The error of the last attempt to open; `undefined` once the hub is open. */
  get failure(): unknown {
    return this.#failure
  }

  /** The error for readers of a closed hub; `undefined` until it is closed. */
  get closed(): RealtimeError | undefined {
    return this.#closed
  }

  /** The origin that the last `clear` gave the log; `undefined` if it was never cleared. */
  get cleared(): EventId | undefined {
    return this.#cleared
  }

  /** The time at which an entry expires and a check is due, in elapsed milliseconds. */
  get expiresAtMs(): number {
    return this.#expiry.atMs
  }

  /** The number of attached readers. */
  get readers(): number {
    return this.#wakeups.size
  }

  /** Calls `wake` after each change, until `wake` is detached. */
  attach(wake: () => void): void {
    this.#wakeups.add(wake)
  }

  detach(wake: () => void): void {
    this.#wakeups.delete(wake)
  }

  /** Keeps the values of decoded events. Undone by `releaseValues`, once for each call. */
  keepValues(): void {
    this.#valueReaders += 1
  }

  releaseValues(): void {
    this.#valueReaders -= 1
  }

  /** Compares the hub's position with the end of the log, and catches up. */
  check(): void {
    this.#expiry.reset()
    this.#catchingUp.request()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = new RealtimeError(
      'CLOSED',
      'The channels were closed. Reconnect to a server that is up.',
    )
    this.#catchingUp.stop()
    this.pages.forget()
    this.#endOpening()
    this.#wakeups.wakeAll()
    await this.#unlisten?.()
  }

  async #catchUp(): Promise<void> {
    const { backend } = this.#options
    this.#unlisten ??= await backend.listen(this.log, {
      onEvent: (event) => {
        this.#trace.heard(event)
        detached(() => this.#take(event))
      },
      onInterrupted: () => detached(() => this.#onInterrupted()),
    })
    this.#listenFailures.succeeded()
    if (this.#closed) return await this.#unlisten()
    const tail = this.#window?.tail
    let next: NextPage | undefined =
      tail === undefined ? undefined : { position: { id: tail }, after: tail }
    do next = this.#takePage(await this.#readPage(next))
    while (next && !this.#closed)
    this.#failure = undefined
    this.#endOpening()
  }

  #onCatchUpFailed(error: unknown): void {
    // Failed reads are already reported by the log reader.
    if (this.#unlisten === undefined) this.#listenFailures.failed(error)
    this.#endOpening()
    // An open hub still serves the events in its window.
    if (this.#window !== undefined) return
    this.#failure = error
    this.#wakeups.wakeAll()
  }

  #endOpening(): void {
    this.#opening = undefined
    this.#resolveOpening()
  }

  #readPage(next: NextPage | undefined): Promise<Page> {
    return readInTurn(this.#options.reads, { log: this.log.key, group: this.#readGroup }, () => {
      if (next) {
        const limit = pageLimit(this.#options.clock)
        const range = { after: next.after, limit, maxBytes: pageBytes }
        return this.#reader.read(range, next.position, { cause: 'check' })
      }
      const prefill = prefillOf(this.behind, this.#options.window)
      const range = { last: prefill, limit: prefill, maxBytes: pageBytes }
      return this.#reader.read(range, undefined, { cause: 'open' })
    })
  }

  /** Adds a page to the window; the first page opens the window. Returns the page to read next. */
  #takePage(page: Page): NextPage | undefined {
    const isOpening = this.#window === undefined
    const window = this.#window ?? this.#openWindow(page)
    this.#window = window
    this.#expiry.onRead(page.expiresInMs)
    if (this.#cleared !== page.cleared) {
      this.#cleared = page.cleared
      // Deleted events must not be delivered any more.
      this.pages.forget()
      window.clear()
    }
    const isInWindow = !isOpening || window.tail === page.from
    if (isInWindow) for (const entry of page.entries) this.#push(window, entry, 'read')
    const end = window.tail === page.lastEventId ? window.end : undefined
    for (const reader of this.openingReaders) reader.onOpened(page.lastEventId, end)
    this.openingReaders.clear()
    this.#wakeups.schedule(window.end)
    return isInWindow ? page.next : undefined
  }

  #push(window: Window, entry: LogEntry, by: 'notification' | 'read'): void {
    window.push(entry)
    this.#trace.windowed(entry, by)
  }

  /** Opens the window before the first page, or at the log's end if the page ends earlier. */
  #openWindow(page: Page): Window {
    const startsAtPage = page.next === undefined || this.behind.policy === 'latest'
    return new Window(this.#options.window, startsAtPage ? page.from : page.lastEventId)
  }

  #extendWindow(page: Page): void {
    if (page.cleared === this.#cleared) this.#window?.prepend(page.from, page.entries)
    else this.#catchingUp.request()
  }

  /** Handles a notification. */
  #take(event: StoredEvent): void {
    const window = this.#window
    if (window === undefined || this.#catchingUp.isRunning) {
      this.#waiting.push(event)
      if (this.#waiting.length > maxWaiting) this.#onInterrupted()
    } else if (event.prev === window.tail && !this.#options.clock.rare?.('read despite hint')) {
      const decoded = this.#reader.decode(event, event.prev)
      if (decoded === undefined) return
      this.#push(window, decoded, 'notification')
      if (this.#options.clock.rare?.('short window')) window.clear()
      this.#expiry.onEvent()
      this.#wakeups.schedule(window.end)
    } else if (!window.has(event.id)) {
      this.#catchingUp.request()
    }
  }

  /** Handles the notifications that arrived during a read. The newest follow the log's end. */
  #takeWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const event of waiting) this.#take(event)
  }

  #onInterrupted(): void {
    this.#waiting = []
    this.#catchingUp.request()
  }
}
