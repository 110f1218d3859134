import {
  type Backend,
  type ChannelLog,
  type EventId,
  isRealtimeError,
  type StoredEvent,
  type Unlisten,
} from '@trpc-sse/server'

/** The simplest right reader of a log: it follows hints that follow on, and reads the log in every other case. */
export interface Follower {
  /** What it has been given, in order. */
  readonly events: readonly StoredEvent[]
  /** Where events were missing: the position before, and what came instead. */
  readonly gaps: readonly { readonly after: EventId; readonly next: EventId }[]
  /** How often hints may have been lost. */
  readonly interruptions: number
  /** Resolves when it stands at this id. */
  reached(id: EventId): Promise<void>
  /** Resolves when there were so many gaps. */
  missed(gaps: number): Promise<void>
  readonly unlisten: Unlisten
}

/** Follows a log from where it stands. */
export async function follow(backend: Backend, log: ChannelLog): Promise<Follower> {
  const events: StoredEvent[] = []
  const gaps: { after: EventId; next: EventId }[] = []
  const waiting = new Set<() => void>()
  let position: EventId | undefined
  let busy = false
  let stale = false
  let interruptions = 0

  function take(event: StoredEvent): void {
    if (event.prev !== position) gaps.push({ after: position ?? '', next: event.id })
    events.push(event)
    position = event.id
    for (const check of waiting) check()
  }

  async function catchUp(): Promise<void> {
    position ??= (await backend.read(log, { last: 0, limit: 0 })).lastEventId
    for (;;) {
      const after = position ?? ''
      const page = await backend.read(log, { after, limit: 100 })
      for (const event of page.events) take(event)
      if (page.events.length > 0) continue
      if (page.lastEventId !== after) {
        gaps.push({ after, next: page.lastEventId })
        position = page.lastEventId
      }
      for (const check of waiting) check()
      return
    }
  }

  /** Reads the log to its end, once more if a hint came meanwhile. A read that fails is made again, until the end. */
  async function read(): Promise<void> {
    stale = true
    if (busy) return
    busy = true
    while (stale) {
      stale = false
      await catchUp().catch((error: unknown) => {
        stale = !isRealtimeError(error) || error.code !== 'CLOSED'
      })
    }
    busy = false
  }

  function when(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isSo()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  }

  const unlisten = await backend.listen(log, {
    onEvent(event) {
      // A hint that doesn't follow on: the log knows.
      if (event.prev === position && !busy) take(event)
      else void read()
    },
    onInterrupted() {
      interruptions++
      void read()
    },
  })
  await read()
  return {
    events,
    gaps,
    get interruptions() {
      return interruptions
    },
    reached: (id) => when(() => position === id),
    missed: (count) => when(() => gaps.length >= count),
    unlisten,
  }
}
