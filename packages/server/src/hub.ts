import { type Clock, type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, LogPage, ReadRange, StoredEvent, Unlisten } from './backend.ts'
import type { Codec } from './codec.ts'
import { type DecodeEvent, type LinkedPage, type LogPosition, linkEntries } from './link-entries.ts'
import type { LogEvent } from './log-event.ts'
import { createRunner } from './runner.ts'
import { createWindow, type Window, type WindowLimits } from './window.ts'

/** In which part of the work a background failure happened. */
export type ErrorStage = 'listen' | 'read' | 'decode' | 'deliver' | 'gap' | 'close'

/** Told of a failure that no caller can be told of. */
export type ReportError = (error: unknown, stage: ErrorStage) => void

/** What a hub is made of. */
export interface HubOptions {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly window: WindowLimits
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
  /** Resolves when the hub is open, or its first attempt to open failed. */
  readonly opening: Promise<void>
  /** Why nothing can be read here any more. */
  readonly closed: RealtimeError | undefined
  readonly readers: number
  /** Calls `wake` after each change, until the returned function is called. */
  attach(wake: () => void): () => void
  /** Compares the hub's position with the log's, and catches up. */
  check(): void
  /**
   * Reads a page of the log, linked to where `from` stands; without it, to the first event of the page.
   * Readers that ask for the same at the same time share one read. Rejects after the failure is reported.
   */
  read(range: ReadRange, from?: LogPosition): Promise<LogPageFrom>
  /** Tells of a failure that concerns this channel. */
  readonly report: ReportError
  close(): Promise<void>
}

/** A page of a log, and the id that it goes on from. */
export type LogPageFrom = LinkedPage & { readonly from: EventId }

/** Events in one read of the log. */
export const pageSize = 256
/** Newest events that a hub takes into its window when it opens: a quick reconnect needs no read of its own. */
const prefill = 64
/** Notifications kept while the log is read; with more than that the log is read once more instead. */
const maxHeld = 1_024
/** Undecodable events of one channel that are remembered as reported. */
const maxReported = 256

/** Opens a hub. It listens, reads where the log stands, and then follows it until `close`. */
export function createHub({ log, backend, codec, clock, window: limits, report }: HubOptions): Hub {
  const readers = new Set<() => void>()
  const reads = new Map<string, Promise<LogPageFrom>>()
  const decode = createDecode(codec, report)
  let window: Window | undefined
  let unlisten: Unlisten | undefined
  let closed: RealtimeError | undefined
  let held: StoredEvent[] = []
  let waking = false
  let woken = 0
  let opened = (): void => {}
  const opening = new Promise<void>((resolve) => {
    opened = resolve
  })

  function wakeReaders(): void {
    waking = false
    woken = window?.end ?? 0
    for (const wake of readers) wake()
  }

  // Events of one tick are told in one go, unless they would push each other out of the window untold.
  function changed(): void {
    if (window && window.end - woken >= limits.events / 2) wakeReaders()
    if (waking) return
    waking = true
    queueMicrotask(() => waking && wakeReaders())
  }

  function take(event: StoredEvent): void {
    if (window === undefined || runner.running) {
      held.push(event)
      if (held.length > maxHeld) interrupted()
    } else if (event.prev === window.tail) {
      const decoded = decode(event, event.prev)
      if (decoded === undefined) return
      window.push(decoded)
      changed()
    } else if (!window.has(event.id)) {
      runner.request()
    }
  }

  function interrupted(): void {
    held = []
    runner.request()
  }

  async function catchUp(): Promise<void> {
    unlisten ??= await backend.listen(log, { onEvent: take, onInterrupted: interrupted })
    if (closed) return await unlisten()
    await readToEnd()
    opened()
    changed()
  }

  async function readToEnd(): Promise<void> {
    let next = window === undefined ? await open() : { position: { id: window.tail }, after: window.tail }
    while (next !== undefined && !closed) {
      const page = linkEntries(
        next.position,
        await backend.read(log, { after: next.after, limit: pageSize }),
        pageSize,
        decode,
      )
      for (const entry of page.entries) window?.push(entry)
      changed()
      next = page.next
    }
  }

  async function open(): Promise<LinkedPage['next']> {
    const stored = await backend.read(log, { last: prefill, limit: prefill })
    const from = origin(stored)
    window = createWindow(limits, from)
    for (const entry of linkEntries({ id: from }, stored, Number.POSITIVE_INFINITY, decode).entries)
      window.push(entry)
    return undefined
  }

  const runner = createRunner({
    clock,
    onError(error) {
      report(error, unlisten === undefined ? 'listen' : 'read')
      opened()
    },
    run: catchUp,
    // The notifications that came meanwhile: what the log did not show yet follows its end.
    onIdle() {
      const waiting = held
      held = []
      for (const event of waiting) take(event)
    },
  })

  async function readPage(range: ReadRange, position: LogPosition | undefined): Promise<LogPageFrom> {
    try {
      const stored = await backend.read(log, range)
      const from = position ?? { id: origin(stored) }
      return { ...linkEntries(from, stored, range.limit, decode), from: from.id }
    } catch (error) {
      if (!closed) report(error, 'read')
      throw error
    }
  }

  runner.request()
  return {
    log,
    report,
    opening,
    get window() {
      return window
    },
    get closed() {
      return closed
    },
    get readers() {
      return readers.size
    },
    attach(wake) {
      readers.add(wake)
      return () => readers.delete(wake)
    },
    check: () => runner.request(),
    read(range, from) {
      const key = JSON.stringify([range, from])
      const read = reads.get(key) ?? readPage(range, from).finally(() => reads.delete(key))
      reads.set(key, read)
      return read
    },
    async close() {
      if (closed) return
      closed = new RealtimeError('CLOSED', 'The channels were closed. Reconnect to a server that is up.')
      runner.stop()
      opened()
      for (const wake of readers) wake()
      await unlisten?.()
    },
  }
}

/** The id that the first event of a page follows. */
function origin(page: LogPage): EventId {
  return page.events[0]?.prev ?? page.lastEventId
}

/** Makes events of what is stored. A payload that isn't JSON is reported once, and left out. */
function createDecode(codec: Codec, report: ReportError): DecodeEvent {
  const reported = new Set<EventId>()
  return ({ id, data }, prev): LogEvent | undefined => {
    try {
      JSON.parse(data)
    } catch (cause) {
      if (reported.has(id)) return undefined
      if (reported.size >= maxReported) reported.clear()
      reported.add(id)
      const message = `The payload of event ${id} is not JSON; it was skipped. Who else writes to this log?`
      report(new RealtimeError('UNDECODABLE_EVENT', message, { cause }), 'decode')
      return undefined
    }
    return { kind: 'event', id, prev, data, codec, decoded: undefined, frame: undefined }
  }
}
