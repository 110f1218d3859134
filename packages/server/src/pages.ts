import type { Clock, EventId } from '@trpc-sse/protocol'
import type { ReadRange } from './backend.ts'
import { type Hub, pageSize } from './hub.ts'
import type { LinkedPage } from './link-entries.ts'
import type { LogEntry } from './log-event.ts'
import { createRunner } from './runner.ts'

/** The pages of a log, one after the other, for a cursor that is not in its hub's window. */
export interface Pages {
  /** The next entry of the page that is at hand. */
  peek(): LogEntry | undefined
  advance(): void
  /** Whether a page is being read. */
  reading(): boolean
  /** Asks for the page after an id, or for the first one to replay. There is nothing until `onPage`. */
  request(after: EventId | undefined): undefined
  /** Forgets the page that is at hand. */
  drop(): void
  close(): void
}

/** What pages are made with. */
export interface PagesOptions {
  readonly clock: Clock
  /** How many of the newest events come first, if there is no id to read after. */
  readonly replay: number
  /** A page is at hand that goes on from this id; or there is none, and what follows is in the hub's window. */
  onPage(from: EventId): void
}

const noEntries: readonly LogEntry[] = []

/** Creates the pages of a hub's log. */
export function createPages(hub: Hub, { clock, replay, onPage }: PagesOptions): Pages {
  let entries = noEntries
  let index = 0
  let next: LinkedPage['next']
  let from: EventId | undefined
  let closed = false

  async function read(): Promise<void> {
    if (closed) return
    const after = next?.after ?? from
    const range: ReadRange =
      after === undefined ? { last: replay, limit: pageSize } : { after, limit: pageSize }
    const page = await hub.read(range, next?.position ?? (from === undefined ? undefined : { id: from }))
    from ??= page.from
    entries = page.entries
    index = 0
    next = page.next
  }

  function onRead(): void {
    if (from === undefined) return
    const atEnd = entries.length === 0 && next === undefined
    // The log is ahead of the hub, which will have it too once it has looked, and then wakes its readers.
    if (atEnd && hub.window?.after(from) === undefined) hub.check()
    else onPage(from)
  }

  // The hub has reported what failed, once for all who read the same.
  const reader = createRunner({ clock, run: read, onIdle: onRead, onError: () => {} })
  return {
    peek: () => entries[index],
    advance() {
      index += 1
    },
    reading: () => reader.running,
    request(after) {
      if (closed) return undefined
      from = after
      reader.request()
      return undefined
    },
    drop() {
      entries = noEntries
      next = undefined
    },
    close() {
      closed = true
      reader.stop()
    },
  }
}
