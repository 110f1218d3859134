import { type Clock, type EventId, eventTimeMs } from '@trpc-sse/protocol'
import type {
  AppendOptions,
  AppendResult,
  LogListener,
  LogPage,
  ReadRange,
  Retention,
  Unlisten,
} from './backend.ts'
import type { ChangeResult, EntriesPage, EntriesRange, LogChange } from './entries.ts'
import { MemoryEntries } from './memory-entries.ts'
import { MemoryLog } from './memory-log.ts'
import { Sweep } from './sweep.ts'

/** One call of `listen`. A listener may be passed twice, and each call has its own `unlisten`. */
interface Registration {
  readonly listener: LogListener
}

/** A remembered idempotency key. */
interface KnownKey {
  readonly ids: readonly EventId[]
  /** In elapsed milliseconds. */
  readonly untilMs: number
}

/** A clock whose elapsed time is the same for all who use it. */
export type MemoryClock = Clock & Required<Pick<Clock, 'monotonicMs'>>

/** The time for which a last id outlives its events, in milliseconds: 30 days. */
const lastIdMs = 30 * 86_400_000
/** The time for which a log without events is remembered after its last use, in milliseconds. */
const unusedLogMs = 600_000
const defaultIdempotencyMs = 300_000

/**
 * The whole state of one log: events, entries, listeners and remembered idempotency keys. The
 * parameters `nowMs` are the time of day, for the ids and the age of events. Everything else that
 * expires does so by the elapsed time, so that a clock that is set doesn't end a lease.
 */
export class MemoryLogState {
  readonly #clock: MemoryClock
  readonly #entries = new MemoryEntries()
  readonly #keys = new Map<string, KnownKey>()
  readonly #keySweep = new Sweep(this.#keys, ({ untilMs }, elapsedMs) => untilMs <= elapsedMs)
  readonly #listeners = new Set<Registration>()
  #log: MemoryLog
  #retain: Retention
  /** In elapsed milliseconds. */
  #usedAtMs: number
  /** The elapsed milliseconds at which the whole log is forgotten. */
  #forgetAtMs = Infinity

  constructor(clock: MemoryClock, retain: Retention, nowMs: number) {
    this.#clock = clock
    this.#log = new MemoryLog(createOrigin(clock, nowMs))
    this.#retain = retain
    this.#usedAtMs = clock.monotonicMs()
  }

  /**
   * Starts a use of the log with the given retention: first forgets the log or expires entries, if
   * that is due.
   */
  touch(retain: Retention, nowMs: number): void {
    this.#retain = retain
    const elapsedMs = this.#clock.monotonicMs()
    this.#usedAtMs = elapsedMs
    if (elapsedMs >= this.#forgetAtMs) this.#forget(nowMs)
    const payloads = this.#entries.expire(elapsedMs)
    if (payloads.length > 0) this.#store(payloads, nowMs)
  }

  append(
    payloads: readonly string[],
    { idempotencyKey, idempotencyMs = defaultIdempotencyMs }: AppendOptions,
    nowMs: number,
  ): AppendResult {
    const elapsedMs = this.#clock.monotonicMs()
    const known = idempotencyKey === undefined ? undefined : this.#keys.get(idempotencyKey)
    if (known !== undefined && known.untilMs > elapsedMs) return { ids: known.ids, duplicate: true }
    const ids = this.#store(payloads, nowMs)
    if (idempotencyKey !== undefined) {
      this.#keys.set(idempotencyKey, { ids, untilMs: elapsedMs + idempotencyMs })
      this.#keySweep.step(elapsedMs)
    }
    return { ids, duplicate: false }
  }

  /** Stores events, and notifies listeners of them. Returns their ids. */
  #store(payloads: readonly string[], nowMs: number): readonly EventId[] {
    const events = this.#log.append(payloads, this.#retain, nowMs)
    // Deferred: a listener may publish, and a publisher must not wait for listeners.
    queueMicrotask(() => {
      for (const event of events) callAll(this.#listeners, (listener) => listener.onEvent(event))
    })
    return events.map((event) => event.id)
  }

  change(change: LogChange, nowMs: number): ChangeResult {
    const { when = [], payloads = [], maxEntries = Infinity, forgetAfterMs = Infinity } = change
    const current = this.#entries.current(when)
    if (when.some(({ is }, i) => is !== current[i]))
      return { outcome: 'conflict', ids: [], current }
    if (this.#entries.sizeAfter(change) > maxEntries) return { outcome: 'full', ids: [], current }
    const elapsedMs = this.#clock.monotonicMs()
    this.#entries.apply(change, elapsedMs)
    this.#forgetAtMs = elapsedMs + forgetAfterMs
    return { outcome: 'changed', ids: this.#store(payloads, nowMs), current }
  }

  readEntries(range: EntriesRange): EntriesPage {
    return { ...this.#entries.read(range), lastEventId: this.#log.lastEventId }
  }

  read(range: ReadRange, nowMs: number): LogPage {
    const page = this.#log.read(range, this.#retain, nowMs)
    const nextMs = Math.min(this.#entries.nextExpiryMs, this.#forgetAtMs)
    if (nextMs === Infinity) return page
    return { ...page, expiresInMs: Math.max(0, nextMs - this.#clock.monotonicMs()) }
  }

  #forget(nowMs: number): void {
    const originMs = Math.max(nowMs, eventTimeMs(this.#log.lastEventId) + 1)
    this.#log = new MemoryLog(createOrigin(this.#clock, originMs))
    this.#entries.clear()
    this.#keys.clear()
    this.#forgetAtMs = Infinity
  }

  clear(nowMs: number): void {
    this.#entries.clear()
    const originMs = Math.max(nowMs, eventTimeMs(this.#log.lastEventId) + 1)
    this.#log.clear(createOrigin(this.#clock, originMs))
    queueMicrotask(() => callAll(this.#listeners, (listener) => listener.onInterrupted()))
  }

  listen(listener: LogListener): Unlisten {
    const registration: Registration = { listener }
    this.#listeners.add(registration)
    return async () => {
      this.#listeners.delete(registration)
    }
  }

  /** Sends a text to the current listeners. Returns whether there are any. */
  notice(text: string): boolean {
    const listeners = [...this.#listeners]
    queueMicrotask(() => callAll(listeners, (listener) => listener.onNotice?.(text)))
    return listeners.length > 0
  }

  removeListeners(): void {
    this.#listeners.clear()
  }

  /** Drops everything that has expired. Returns whether the whole log can be deleted. */
  expire(nowMs: number): boolean {
    const elapsedMs = this.#clock.monotonicMs()
    this.#log.trim(this.#retain, nowMs)
    this.#keySweep.step(elapsedMs)
    if (elapsedMs >= this.#forgetAtMs) this.#forget(nowMs)
    if (this.#listeners.size > 0) return false
    const isUnused = this.#log.isUnused && this.#keys.size === 0
    const keepMs = isUnused ? unusedLogMs : this.#retain.forMs + lastIdMs
    return elapsedMs - this.#usedAtMs > keepMs
  }
}

/**
 * Creates a random origin, less than every later id. Ids of a lost log never match it, even if that
 * log was lost in the same millisecond, so its readers detect the reset.
 */
function createOrigin(clock: Clock, nowMs: number): EventId {
  return `${nowMs}-${Math.floor(clock.random() * 2 ** 48)}`
}

function callAll(listeners: Iterable<Registration>, call: (listener: LogListener) => void): void {
  for (const { listener } of listeners) {
    try {
      call(listener)
    } catch {
      // Listeners must not throw. If one does, the others still get their notifications.
    }
  }
}
