import {
  type Backend,
  type ChannelLog,
  type EventId,
  isRealtimeError,
  type StoredEvent,
  type Unlisten,
} from '@trpc-sse/server'

/**
 * The simplest right reader of a log: it follows hints that follow on, and reads the log in every
 * other case.
 */
export interface Follower {
  /** What it has been given, in order. */
  readonly events: readonly StoredEvent[]
  /** Where events were missing: the position before, and what came instead. */
  readonly gaps: readonly Gap[]
  /** How often hints may have been lost. */
  readonly interruptions: number
  /** Resolves when it stands at this id. */
  reached(id: EventId): Promise<void>
  /** Resolves when there were so many gaps. */
  missed(gaps: number): Promise<void>
  readonly unlisten: Unlisten
}

interface Gap {
  readonly after: EventId
  readonly next: EventId
}

/** Follows a log from where it stands. */
export async function follow(backend: Backend, log: ChannelLog): Promise<Follower> {
  const events: StoredEvent[] = []
  const gaps: Gap[] = []
  const conditions = createConditions()
  let position = ''
  let interruptions = 0

  /** Goes on to an id. If it isn't right after `prev`, where this stands, events are missing. */
  function goTo(id: EventId, prev: EventId): void {
    if (prev !== position) gaps.push({ after: position, next: id })
    position = id
  }
  function take(event: StoredEvent): void {
    goTo(event.id, event.prev)
    events.push(event)
    conditions.check()
  }
  const reader = createReader(async () => {
    if (position === '') position = (await backend.read(log, { last: 0, limit: 0 })).lastEventId
    for (;;) {
      const page = await backend.read(log, { after: position, limit: 100 })
      for (const event of page.events) take(event)
      if (page.events.length > 0) continue
      // Nothing follows: the log ends here, or somewhere else.
      goTo(page.lastEventId, page.lastEventId)
      return conditions.check()
    }
  })

  const unlisten = await backend.listen(log, {
    onEvent(event) {
      if (event.prev === position && !reader.busy) take(event)
      else void reader.read()
    },
    onInterrupted() {
      interruptions++
      void reader.read()
    },
  })
  await reader.read()
  return {
    events,
    gaps,
    get interruptions() {
      return interruptions
    },
    reached: (id) => conditions.when(() => position === id),
    missed: (count) => conditions.when(() => gaps.length >= count),
    unlisten,
  }
}

/**
 * Reads to the end, once more if that was asked for meanwhile. A read that fails is made again,
 * until `close`.
 */
function createReader(toEnd: () => Promise<void>) {
  let busy = false
  let stale = false
  return {
    get busy() {
      return busy
    },
    async read(): Promise<void> {
      stale = true
      if (busy) return
      busy = true
      while (stale) {
        stale = false
        await toEnd().catch((error: unknown) => {
          stale = !isRealtimeError(error) || error.code !== 'CLOSED'
        })
      }
      busy = false
    },
  }
}

function createConditions() {
  const waiting = new Set<() => void>()
  return {
    check(): void {
      for (const check of waiting) check()
    },
    when: (isSo: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!isSo()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
}
