import { type Backend, type ChannelLog, type LogListener, memoryBackend } from '@trpc-sse/server'
import { chanceFor } from './chance.ts'
import { SimulatedProcess } from './process.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** An event that was stored, as the oracle knows it. */
export interface StoredFact {
  readonly id: string
  /** The number that its publisher gave it. */
  readonly n: number
  /** How often the store had forgotten everything before. */
  readonly flushes: number
  /** How often the log had been emptied before. */
  readonly resets: number
}

/** Where a log was at one moment. */
export interface LogMoment {
  /** How many events it had ever had. */
  readonly length: number
  /** The first one that was still retained; all of them are counted from 0. */
  readonly retainedFrom: number
  /** How often it had been emptied. */
  readonly resets: number
}

interface LogFacts {
  readonly events: StoredFact[]
  retain: number
  resetAt: number
  resets: number
}

/** The listeners of one log, in all instances. */
interface Audience {
  readonly log: ChannelLog
  readonly listeners: Set<LogListener>
}

/**
 * The storage that all instances share: a memory backend, and what the oracle must know of it. What
 * an instance sees of it goes through a `StoreConnection`.
 */
export class SimulatedStore {
  readonly process: SimulatedProcess
  readonly #trace: Trace
  readonly #logs = new Map<string, LogFacts>()
  readonly #audiences = new Map<string, Audience>()
  #backend: Backend
  #flushes = 0

  constructor(timeline: Timeline, trace: Trace, seed: number) {
    const chance = chanceFor(seed, 'store')
    this.#trace = trace
    this.process = new SimulatedProcess({ name: 'store', timeline, chance, offsetMs: 0 })
    this.#backend = memoryBackend({ clock: this.process.clock })
  }

  get backend(): Backend {
    return this.#backend
  }

  /** How many listeners rooms have; those of the links themselves stay. */
  get listeners(): number {
    const rooms = [...this.#audiences.values()].filter(({ log }) => this.#logs.has(nameOf(log)))
    return rooms.reduce((sum, { listeners }) => sum + listeners.size, 0)
  }

  factsOf(room: string): readonly StoredFact[] {
    return this.#open(room).events
  }

  momentOf(room: string): LogMoment {
    const { events, retain, resetAt, resets } = this.#open(room)
    const retainedFrom = Math.max(resetAt, events.length - retain)
    return { length: events.length, retainedFrom, resets }
  }

  async append(
    log: ChannelLog,
    payloads: readonly string[],
    options: Parameters<Backend['append']>[2] = {},
  ): ReturnType<Backend['append']> {
    const result = await this.#backend.append(log, payloads, options)
    if (result.duplicate) return result
    const facts = this.#open(nameOf(log))
    facts.retain = log.retain.events
    for (const [i, payload] of payloads.entries()) {
      const { n } = JSON.parse(payload) as { readonly n: number }
      facts.events.push({
        id: result.ids[i] ?? '',
        n,
        flushes: this.#flushes,
        resets: facts.resets,
      })
      this.#trace.add('store', `${nameOf(log)} stored ${n} as ${result.ids[i]}`)
    }
    return result
  }

  async clear(log: ChannelLog): Promise<void> {
    await this.#backend.clear(log)
    this.#reset(this.#open(nameOf(log)))
    this.#trace.add('store', `${nameOf(log)} was cleared`)
  }

  /** Forgets everything; connections stay. */
  async flush(): Promise<void> {
    this.#backend = memoryBackend({ clock: this.process.clock })
    this.#flushes += 1
    for (const facts of this.#logs.values()) this.#reset(facts)
    for (const audience of this.#audiences.values()) await this.#listen(audience)
  }

  /** Adds a listener of one instance. */
  async listen(log: ChannelLog, listener: LogListener): Promise<() => void> {
    const existing = this.#audiences.get(log.key)
    const audience = existing ?? { log, listeners: new Set() }
    this.#audiences.set(log.key, audience)
    audience.listeners.add(listener)
    if (!existing) await this.#listen(audience)
    return () => audience.listeners.delete(listener)
  }

  #reset(facts: LogFacts): void {
    facts.resetAt = facts.events.length
    facts.resets += 1
  }

  /** Listens once for all instances. A backend that has forgotten everything is asked anew. */
  async #listen({ log, listeners }: Audience): Promise<void> {
    const backend = this.#backend
    const all = (call: (listener: LogListener) => void): void => {
      if (backend !== this.#backend) return
      for (const listener of [...listeners]) call(listener)
    }
    await backend.listen(log, {
      onEvent: (event) => all((listener) => listener.onEvent(event)),
      onInterrupted: () => all((listener) => listener.onInterrupted()),
      onNotice: (text) => all((listener) => listener.onNotice?.(text)),
    })
  }

  #open(room: string): LogFacts {
    const existing = this.#logs.get(room)
    if (existing) return existing
    const facts: LogFacts = { events: [], retain: Number.MAX_SAFE_INTEGER, resetAt: 0, resets: 0 }
    this.#logs.set(room, facts)
    return facts
  }
}

/** The room that a log is of. */
function nameOf({ key }: ChannelLog): string {
  return /"room":"(\w+)"/.exec(key)?.[1] ?? key
}
