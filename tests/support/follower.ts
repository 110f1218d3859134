import {
  type Backend,
  type ChannelLog,
  type EventId,
  isRealtimeError,
  type StoredEvent,
  type Unlisten,
} from '@trpc-sse/server'

/**
 * The simplest correct reader of a log. It accepts a hint that directly follows its position, and
 * reads the log in every other case.
 */
export interface Follower {
  /** The events that it has received, in order. */
  readonly events: readonly StoredEvent[]
  /** The gaps: the position before each, and the event after it. */
  readonly gaps: readonly Gap[]
  /** The number of times that hints may have been lost. */
  readonly interruptions: number
  /** Resolves when its position is this id. */
  reached(id: EventId): Promise<void>
  /** Resolves when there were `gaps` gaps. */
  missed(gaps: number): Promise<void>
  readonly unlisten: Unlisten
}

interface Gap {
  readonly after: EventId
  readonly next: EventId
}

/** Follows a log from its current position. */
export async function follow(backend: Backend, log: ChannelLog): Promise<Follower> {
  const events: StoredEvent[] = []
  const gaps: Gap[] = []
  const conditions = createConditions()
  let position = ''
  let interruptions = 0

  /** Moves to an id. If the follower isn't at `prev`, events are missing. */
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
      // There is no next event: the log ends at this position, or at another one.
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
 * Reads to the end, and once more if another read was requested meanwhile. Failed reads are
 * repeated until `close`.
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
