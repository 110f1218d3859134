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
import { MemoryLog } from './memory-log.ts'
import { Sweep } from './sweep.ts'

/**
 * One call of `listen`. The same listener may be passed twice, and each call is undone by itself.
 */
interface Registration {
  readonly listener: LogListener
}

/** A remembered idempotency key. */
interface KnownKey {
  readonly ids: readonly EventId[]
  readonly untilMs: number
}

/** How long a last id outlives its events, in milliseconds: 30 days. */
const lastIdMs = 30 * 86_400_000
/** How long an unused log is remembered after its last use, in milliseconds. */
const unusedLogMs = 600_000
const defaultIdempotencyMs = 300_000

/** Everything about one log: its events, its listeners and the remembered idempotency keys. */
export class MemoryLogState {
  readonly #clock: Clock
  readonly #log: MemoryLog
  readonly #keys = new Map<string, KnownKey>()
  readonly #keySweep = new Sweep(this.#keys, ({ untilMs }, nowMs) => untilMs <= nowMs)
  readonly #listeners = new Set<Registration>()
  #retain: Retention
  #usedAtMs: number

  constructor(clock: Clock, retain: Retention, nowMs: number) {
    this.#clock = clock
    this.#log = new MemoryLog(createOrigin(clock, nowMs))
    this.#retain = retain
    this.#usedAtMs = nowMs
  }

  /** Notes that the log is used now, with this retention. */
  touch(retain: Retention, nowMs: number): void {
    this.#retain = retain
    this.#usedAtMs = nowMs
  }

  append(
    payloads: readonly string[],
    { idempotencyKey, idempotencyMs = defaultIdempotencyMs }: AppendOptions,
    nowMs: number,
  ): AppendResult {
    const known = idempotencyKey === undefined ? undefined : this.#keys.get(idempotencyKey)
    if (known !== undefined && known.untilMs > nowMs) return { ids: known.ids, duplicate: true }
    const events = this.#log.append(payloads, this.#retain, nowMs)
    const ids = events.map((event) => event.id)
    if (idempotencyKey !== undefined) {
      this.#keys.set(idempotencyKey, { ids, untilMs: nowMs + idempotencyMs })
      this.#keySweep.step(nowMs)
    }
    // Later: a listener may publish, and a publisher must not wait for listeners.
    queueMicrotask(() => {
      for (const event of events) callAll(this.#listeners, (listener) => listener.onEvent(event))
    })
    return { ids, duplicate: false }
  }

  read(range: ReadRange, nowMs: number): LogPage {
    return this.#log.read(range, this.#retain, nowMs)
  }

  clear(nowMs: number): void {
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

  /** Sends a text to the listeners of this moment. Returns whether there are any. */
  notice(text: string): boolean {
    const listeners = [...this.#listeners]
    queueMicrotask(() => callAll(listeners, (listener) => listener.onNotice?.(text)))
    return listeners.length > 0
  }

  removeListeners(): void {
    this.#listeners.clear()
  }

  /** Drops what has expired. Returns whether nothing is left that must be remembered. */
  expire(nowMs: number): boolean {
    this.#log.trim(this.#retain, nowMs)
    this.#keySweep.step(nowMs)
    if (this.#listeners.size > 0) return false
    const isUnused = this.#log.isUnused && this.#keys.size === 0
    const keepMs = isUnused ? unusedLogMs : this.#retain.forMs + lastIdMs
    return nowMs - this.#usedAtMs > keepMs
  }
}

/**
 * Creates a random origin, less than every event to come. Ids of a lost log never match it, even if
 * that log was lost in the same millisecond: so its readers detect the reset.
 */
function createOrigin(clock: Clock, nowMs: number): EventId {
  return `${nowMs}-${Math.floor(clock.random() * 2 ** 48)}`
}

function callAll(listeners: Iterable<Registration>, call: (listener: LogListener) => void): void {
  for (const { listener } of listeners) {
    try {
      call(listener)
    } catch {
      // A listener must not throw. If one does, the others still get their notifications.
    }
  }
}
