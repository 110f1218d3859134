import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, StoredEvent, Unlisten } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Mutable } from '../mutable.ts'
import { detached } from '../user-code/async-context.ts'
import type { Behind } from './behind.ts'
import type { LinkedPage } from './contiguity.ts'
import { createLogReader } from './log-reader.ts'
import type { Page } from './page.ts'
import type { PageCache } from './page-cache.ts'
import { Pages, pageBytes, pageSize } from './page-reader.ts'
import { createReadGroup, type Reads, readInTurn } from './reads.ts'
import { createFailures, type ReportError } from './report.ts'
import { createRunner } from './retry-loop.ts'
import { createReaders } from './wakeups.ts'
import { createWindow, type Window, type WindowLimits } from './window.ts'

/** A reader whose first position is not known before its hub is open. */
export interface Unplaced {
  /**
   * Called when the hub opens: the log ends at `end`. `sequence` is the number that the window gives the
   * event after it; `undefined` where the window doesn't reach that far.
   */
  place(end: EventId, sequence: number | undefined): void
}

/** What a hub is made of. */
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
}

/**
 * A process's shared reader of one channel. It hears of each event once, keeps the newest, and wakes whoever
 * reads on. The log is the truth and a notification only a hint: an event is taken from a notification
 * if it follows the hub's last one, and from the log in every other case.
 */
export interface Hub {
  readonly log: ChannelLog
  /** `undefined` until the hub knows where its log stands. */
  readonly window: Window | undefined
  /** Resolves when the hub is open, or its first attempt to open failed; `undefined` from then on. */
  readonly opening: Promise<void> | undefined
  /** Why the last attempt to open failed; `undefined` once it is open. */
  readonly failure: unknown
  /** Why nothing can be read here any more. */
  readonly closed: RealtimeError | undefined
  /** What becomes of readers that are too far behind. */
  readonly behind: Behind
  /** Tells of what no caller can be told of. */
  readonly report: ReportError
  /** How many are attached. */
  readers(): number
  /** How many of them need the values of events: while there are some, values are kept with the events. */
  valueReaders: number
  /** Who reads from its first position on, as soon as that is known. */
  readonly unplaced: Set<Unplaced>
  /** Calls `wake` after each change, until it is detached. */
  attach(wake: () => void): void
  detach(wake: () => void): void
  /** Compares the hub's position with the log's, and catches up. */
  check(): void
  /** The origin that the log got when it was last cleared, if it was. */
  readonly cleared: EventId | undefined
  /**
   * The pages of the log, for who is not in the window. What of them reaches as far as the window is in it from then on: of
   * all who come back from the same place after a restart, the first reads the log.
   */
  readonly pages: Pages
  close(): Promise<void>
}

/** Newest events that a hub takes into its window when it opens, at least: a quick reconnect needs no read of its own. */
const leastPrefill = 64
/** Notifications kept while the log is read; with more than that the log is read once more instead. */
const maxHeld = 1_024

/** Opens a hub. It listens, reads where the log stands, and then follows it until `close`. */
export function createHub({ log, clock, behind, window: limits, ...options }: HubOptions): Hub {
  const report: ReportError = (error, stage) => hub.closed ?? options.report(error, stage)
  const reader = createLogReader(log, {
    ...options,
    report,
    keepsValues: () => hub.valueReaders > 0,
  })
  const readers = createReaders(limits.events)
  const listening = createFailures(report, 'listen')
  // How far behind a reader is shows in the window.
  const prefill =
    behind.policy === 'latest'
      ? Math.max(leastPrefill, Math.min(behind.events, limits.events))
      : leastPrefill
  let resolveOpening = (): void => {}
  const opening = new Promise<void>((resolve) => {
    resolveOpening = resolve
  })
  const group = createReadGroup()
  let unlisten: Unlisten | undefined
  let held: StoredEvent[] = []

  function opened(): void {
    hub.opening = undefined
    resolveOpening()
  }

  /** Until it has opened, nobody can be told where the log stands; later, readers have what the window has. */
  function openingFailed(error: unknown): void {
    opened()
    if (hub.window !== undefined) return
    hub.failure = error
    readers.wakeAll()
  }

  function take(event: StoredEvent): void {
    const { window } = hub
    if (window === undefined || runner.running) {
      held.push(event)
      if (held.length > maxHeld) interrupted()
    } else if (event.prev === window.tail) {
      const decoded = reader.decode(event, event.prev)
      if (decoded === undefined) return
      window.push(decoded)
      readers.changed(window.end)
    } else if (!window.has(event.id)) {
      runner.request()
    }
  }

  function interrupted(): void {
    held = []
    runner.request()
  }

  /** Opens the window at a first page; at the end of the log, where a page doesn't hold all that it would start with. */
  function openWindow(page: Page): Window {
    if (page.next === undefined || behind.policy === 'latest')
      return createWindow(limits, page.from)
    return createWindow(limits, page.lastEventId)
  }

  /** Takes in a page. Returns from where to read on. */
  function takePage(page: Page): LinkedPage['next'] {
    const isOpening = hub.window === undefined
    const window = hub.window ?? openWindow(page)
    if (hub.cleared !== page.cleared) {
      hub.cleared = page.cleared
      hub.pages.forget()
      // Deleted events are shown to nobody.
      window.clear()
    }
    hub.window = window
    const isRead = !isOpening || window.tail === page.from
    if (isRead) for (const entry of page.entries) window.push(entry)
    const end = window.tail === page.lastEventId ? window.end : undefined
    for (const reader of hub.unplaced) reader.place(page.lastEventId, end)
    hub.unplaced.clear()
    readers.changed(window.end)
    return isRead ? page.next : undefined
  }

  function readInItsTurn(next: LinkedPage['next']): Promise<Page> {
    return readInTurn(options.reads, { log: log.key, group }, () =>
      next
        ? reader.read({ after: next.after, limit: pageSize, maxBytes: pageBytes }, next.position)
        : reader.read({ last: prefill, limit: prefill, maxBytes: pageBytes }),
    )
  }

  async function catchUp(): Promise<void> {
    unlisten ??= await options.backend.listen(log, {
      onEvent: (event) => detached(() => take(event)),
      onInterrupted: () => detached(interrupted),
    })
    listening.worked()
    if (hub.closed) return await unlisten()
    let next: LinkedPage['next'] = hub.window && {
      position: { id: hub.window.tail },
      after: hub.window.tail,
    }
    do next = takePage(await readInItsTurn(next))
    while (next && !hub.closed)
    hub.failure = undefined
    opened()
  }

  const runner = createRunner({
    clock,
    run: catchUp,
    onError(error) {
      // What could not be read is reported by the reader.
      if (unlisten === undefined) listening.failed(error)
      openingFailed(error)
    },
    // The notifications that came meanwhile: what the log did not show yet follows its end.
    onIdle() {
      const waiting = held
      held = []
      for (const event of waiting) take(event)
    },
  })

  function onPage(page: Page): void {
    if (page.cleared === hub.cleared) hub.window?.prepend(page.from, page.entries)
    else runner.request()
  }

  const hub: Mutable<Hub> = {
    log,
    behind,
    report,
    opening,
    failure: undefined,
    window: undefined,
    unplaced: new Set(),
    closed: undefined,
    readers: () => readers.size,
    valueReaders: 0,
    attach: readers.attach,
    detach: readers.detach,
    check: runner.request,
    cleared: undefined,
    pages: new Pages({
      log: log.key,
      clock,
      reads: options.reads,
      cache: options.pageCache,
      reader,
      onPage,
    }),
    async close() {
      if (hub.closed) return
      hub.closed = new RealtimeError(
        'CLOSED',
        'The channels were closed. Reconnect to a server that is up.',
      )
      runner.stop()
      hub.pages.forget()
      opened()
      readers.wakeAll()
      await unlisten?.()
    },
  }
  runner.request()
  return hub
}
