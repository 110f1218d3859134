import {
  type Clock,
  type EventId,
  eventTimeMs,
  RealtimeError,
  systemClock,
} from '@trpc-sse/protocol'
import type {
  AppendOptions,
  AppendResult,
  Backend,
  ChannelLog,
  LogListener,
  LogPage,
  Retention,
  StoredEvent,
  Unlisten,
} from './backend.ts'
import { createMemoryLog, type MemoryLog } from './memory-log.ts'

/** Options of {@link memoryBackend}. */
export interface MemoryBackendOptions {
  /**
   * Gives the time of events and the chance in origins.
   *
   * @default systemClock
   */
  readonly clock?: Clock
}

/**
 * Keeps logs in the memory of this process: for one process, for tests, and as the reference of what a
 * {@link Backend} does. A log that nobody uses for its `forMs` and 30 days more is forgotten, its last id included; one
 * that never had an event, after 10 minutes.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  const clock = options.clock ?? systemClock
  const logs = createMemoryLogs(clock)
  let closed = false

  /** Runs one operation on one log. Asynchronous, as it is with any other backend: failures are rejections. */
  const use = async <TResult>(
    log: ChannelLog,
    operation: (entry: LogEntry, nowMs: number) => TResult,
  ) => {
    if (closed)
      throw new RealtimeError('CLOSED', 'The memory backend is closed. Create another one.')
    const nowMs = Math.floor(clock.now())
    return operation(logs.open(log, nowMs), nowMs)
  }

  return {
    async append(log, payloads, appendOptions = {}): Promise<AppendResult> {
      if (appendOptions.after) await appendOptions.after
      return await use(log, (entry, nowMs) => append(entry, payloads, appendOptions, nowMs))
    },
    read: (log, range): Promise<LogPage> =>
      use(log, (entry, nowMs) => entry.log.read(range, entry.retain, nowMs)),
    clear: (log): Promise<void> => use(log, (entry, nowMs) => clear(entry, clock, nowMs)),
    listen: (log, listener): Promise<Unlisten> => use(log, (entry) => listen(entry, listener)),
    async notify({ key }, text): Promise<boolean> {
      if (closed)
        throw new RealtimeError('CLOSED', 'The memory backend is closed. Create another one.')
      const listeners = new Set(logs.find(key)?.listeners)
      // Not at once, as with events.
      queueMicrotask(() => notify(listeners, (listener) => listener.onNotice?.(text)))
      return listeners.size > 0
    },
    async close() {
      closed = true
      logs.clear()
    },
  }
}

/** Everything about one log: what is stored, who is told of it, and which idempotency keys are known. */
interface LogEntry {
  readonly log: MemoryLog
  readonly keys: Map<string, KnownKey>
  readonly sweepKeys: (nowMs: number) => void
  readonly listeners: Set<Registration>
  retain: Retention
  usedAtMs: number
}

interface KnownKey {
  readonly ids: readonly EventId[]
  readonly untilMs: number
}

/** One call of `listen`: the same listener may be given twice, and each is undone by itself. */
interface Registration {
  readonly listener: LogListener
}

/** How long a last id outlives its events, in milliseconds: 30 days. */
const lastIdMs = 30 * 86_400_000
/** How long a log without events is remembered after its last use, in milliseconds. */
const emptyLogMs = 600_000
const defaultIdempotencyMs = 300_000

function createMemoryLogs(clock: Clock) {
  const entries = new Map<string, LogEntry>()
  const sweep = createSweep(entries, (entry, nowMs) => {
    entry.log.trim(entry.retain, nowMs)
    entry.sweepKeys(nowMs)
    const keepMs =
      entry.log.total === 0 && entry.keys.size === 0 ? emptyLogMs : entry.retain.forMs + lastIdMs
    return entry.listeners.size === 0 && nowMs - entry.usedAtMs > keepMs
  })
  let sweptAtMs = 0
  return {
    /** The entry of a log, created if need be. */
    open({ key, retain }: ChannelLog, nowMs: number): LogEntry {
      const found = entries.get(key)
      const entry = found ?? createEntry(clock, retain, nowMs)
      entry.retain = retain
      entry.usedAtMs = nowMs
      if (found === undefined) entries.set(key, entry)
      // Time goes on for the others only by the millisecond; but new ones may be many in one.
      if (found === undefined || nowMs !== sweptAtMs) sweep(nowMs)
      sweptAtMs = nowMs
      return entry
    },
    find: (key: string): LogEntry | undefined => entries.get(key),
    clear(): void {
      for (const entry of entries.values()) entry.listeners.clear()
      entries.clear()
    },
  }
}

function createEntry(clock: Clock, retain: Retention, nowMs: number): LogEntry {
  const keys = new Map<string, KnownKey>()
  return {
    log: createMemoryLog(createOrigin(clock, nowMs)),
    keys,
    sweepKeys: createSweep(keys, (known, atMs) => known.untilMs <= atMs),
    listeners: new Set(),
    retain,
    usedAtMs: nowMs,
  }
}

// Before every event to come, and with ids after it that no earlier log of that name had, even if that was lost
// in the same millisecond: whoever stands at an id of the earlier log sees that this isn't it.
function createOrigin(clock: Clock, nowMs: number): EventId {
  return `${nowMs}-${Math.floor(clock.random() * 2 ** 48)}`
}

function append(
  entry: LogEntry,
  payloads: readonly string[],
  { idempotencyKey, idempotencyMs = defaultIdempotencyMs }: AppendOptions,
  nowMs: number,
): AppendResult {
  const known = idempotencyKey === undefined ? undefined : entry.keys.get(idempotencyKey)
  if (known !== undefined && known.untilMs > nowMs) return { ids: known.ids, duplicate: true }
  const events = entry.log.append(payloads, entry.retain, nowMs)
  const ids = events.map((event) => event.id)
  if (idempotencyKey !== undefined) {
    entry.keys.set(idempotencyKey, { ids, untilMs: nowMs + idempotencyMs })
    entry.sweepKeys(nowMs)
  }
  // Not at once: a listener must be able to publish, and a publisher must not wait for listeners.
  queueMicrotask(() => hint(entry.listeners, events))
  return { ids, duplicate: false }
}

function clear({ log, listeners }: LogEntry, clock: Clock, nowMs: number): void {
  log.clear(createOrigin(clock, Math.max(nowMs, eventTimeMs(log.lastEventId) + 1)))
  queueMicrotask(() => notify(listeners, (listener) => listener.onInterrupted()))
}

function hint(listeners: ReadonlySet<Registration>, events: readonly StoredEvent[]): void {
  for (const event of events) notify(listeners, (listener) => listener.onEvent(event))
}

function notify(listeners: ReadonlySet<Registration>, call: (listener: LogListener) => void): void {
  for (const { listener } of listeners) {
    try {
      call(listener)
    } catch {
      // A listener may not throw. One that does must not cost the others their hints.
    }
  }
}

function listen({ listeners }: LogEntry, listener: LogListener): Unlisten {
  const registration: Registration = { listener }
  listeners.add(registration)
  return async () => {
    listeners.delete(registration)
  }
}

/**
 * Returns what looks at the next two entries of a map each time it is called, round and round, and drops the
 * dead ones. Called whenever an entry is used or added, it keeps the map small at a constant price.
 */
function createSweep<TKey, TValue>(
  map: Map<TKey, TValue>,
  isDead: (value: TValue, nowMs: number) => boolean,
): (nowMs: number) => void {
  let rest = map.entries()
  return (nowMs) => {
    for (let i = 0; i < 2; i++) {
      const next = rest.next()
      if (next.done) {
        rest = map.entries()
        return
      }
      const [key, value] = next.value
      if (isDead(value, nowMs)) map.delete(key)
    }
  }
}
