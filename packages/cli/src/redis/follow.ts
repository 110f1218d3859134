import {
  type Backend,
  type ChannelLog,
  type Clock,
  compareEventIds,
  type EventId,
  isRealtimeError,
  type LogPage,
  type StoredEvent,
  wait,
} from '@trpc-sse/server'

/** What a follower of a log sees. */
export type Followed =
  | { readonly type: 'event'; readonly event: StoredEvent }
  /** Events after this position can't be had any more. What follows is contiguous again. */
  | { readonly type: 'gap'; readonly lastEventId: EventId; readonly reason: 'trimmed' | 'reset' }

/** What to follow. */
export interface FollowOptions {
  readonly backend: Backend
  readonly log: ChannelLog
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The position to start after. */
  readonly after: EventId
  /** Called when Redis doesn't answer. It is asked again. */
  onUnavailable(error: unknown): void
}

/** Notifications can get lost, so the log is read at least this often, in milliseconds. */
const checkMs = 10_000
const retryMs = 1_000
const bounds = { limit: 256, maxBytes: 1_048_576 }

/**
 * Yields the events of a log after a position, in order and each once. Ends or rejects when the
 * signal aborts.
 */
export async function* followLog(options: FollowOptions): AsyncGenerator<Followed> {
  const { backend, log, clock, signal } = options
  let position = options.after
  let wake = new AbortController()
  const onHint = (): void => wake.abort()
  const listener = { onEvent: onHint, onInterrupted: onHint }
  const unlisten = await retried(options, () => backend.listen(log, listener))
  signal.addEventListener('abort', onHint)
  try {
    while (!signal.aborted) {
      wake = new AbortController()
      const range = { after: position, ...bounds }
      const page = await retried(options, () => backend.read(log, range, { signal }))
      for (const item of itemsOf(page, position)) yield item
      position = positionAfter(page, position)
      if (position === page.lastEventId && !signal.aborted)
        await waitFor(clock, checkMs, wake.signal)
    }
  } finally {
    signal.removeEventListener('abort', onHint)
    await unlisten().catch(() => {})
  }
}

const beforeAll = '0-0'

/** Calls the backend until it answers. Rejects when the signal aborts. */
async function retried<TResult>(
  { clock, signal, onUnavailable }: FollowOptions,
  call: () => Promise<TResult>,
): Promise<TResult> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      signal.throwIfAborted()
      if (!isRealtimeError(error) || !error.retryable) throw error
      onUnavailable(error)
      await waitFor(clock, retryMs, signal)
      signal.throwIfAborted()
    }
  }
}

/** Every event names the one before it, so a hole is always seen. */
function* itemsOf(page: LogPage, after: EventId): Generator<Followed> {
  let position = after
  for (const event of page.events) {
    if (event.prev !== '' && event.prev !== position && after !== beforeAll)
      yield { type: 'gap', lastEventId: position, reason: reasonOf(page, position) }
    position = event.id
    yield { type: 'event', event }
  }
  if (page.events.length === 0 && page.lastEventId !== after && after !== beforeAll)
    yield { type: 'gap', lastEventId: after, reason: reasonOf(page, after) }
}

/** The log that replaces another one is read from its start, as its ids may be smaller. */
function positionAfter(page: LogPage, position: EventId): EventId {
  const last = page.events.at(-1)
  if (last) return last.id
  return position !== beforeAll && wasReplaced(page, position) ? beforeAll : page.lastEventId
}

function reasonOf(page: LogPage, position: EventId): 'trimmed' | 'reset' {
  return wasReplaced(page, position) ? 'reset' : 'trimmed'
}

function wasReplaced({ cleared, lastEventId }: LogPage, position: EventId): boolean {
  if (cleared !== undefined && compareEventIds(position, cleared) < 0) return true
  return compareEventIds(lastEventId, position) < 0
}

/** Waits like `wait`, but keeps the process alive. */
function waitFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const awake: Clock = {
    ...clock,
    after: (ms, callback) => clock.after(ms, callback, { keepsAlive: true }),
  }
  return wait(awake, delayMs, signal)
}
