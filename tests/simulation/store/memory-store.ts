import {
  type Backend,
  type ChangeResult,
  type ChannelLog,
  type EntriesPage,
  type EntriesRange,
  type LogChange,
  type LogListener,
  memoryBackend,
} from '@trpc-sse/server'
import { chanceFor } from '../chance.ts'
import { SimulatedProcess } from '../process.ts'
import type { Timeline } from '../timeline.ts'
import type { Trace } from '../trace.ts'
import { Facts } from './facts.ts'
import { MemoryConnection, type SharedMemory } from './memory-connection.ts'
import { roomOf, type SimulatedStore, type StoreConnectionOptions } from './store.ts'

/** The listeners of one log, in all instances. */
interface Audience {
  readonly log: ChannelLog
  readonly listeners: Set<LogListener>
}

/** A memory backend that all instances share, each through a network of its own. */
export class MemoryStore implements SimulatedStore, SharedMemory {
  readonly process: SimulatedProcess
  readonly facts: Facts
  readonly #audiences = new Map<string, Audience>()
  #backend: Backend

  constructor(timeline: Timeline, trace: Trace, seed: number) {
    const chance = chanceFor(seed, 'store')
    this.facts = new Facts(trace)
    this.process = new SimulatedProcess({ name: 'store', timeline, chance, offsetMs: 0 })
    this.#backend = memoryBackend({ clock: this.process.clock })
  }

  get backend(): Backend {
    return this.#backend
  }

  get listeners(): number {
    const rooms = [...this.#audiences.values()].filter(({ log }) =>
      this.facts.isRoom(roomOf(log.key)),
    )
    return rooms.reduce((sum, { listeners }) => sum + listeners.size, 0)
  }

  leftovers(): readonly string[] {
    return []
  }

  connect(options: StoreConnectionOptions): MemoryConnection {
    return new MemoryConnection({ ...options, store: this })
  }

  async append(
    log: ChannelLog,
    payloads: readonly string[],
    options: Parameters<Backend['append']>[2] = {},
  ): ReturnType<Backend['append']> {
    const result = await this.#backend.append(log, payloads, options)
    if (result.duplicate || !isOfRoom(log)) return result
    for (const [i, payload] of payloads.entries()) {
      const { n } = JSON.parse(payload) as { readonly n: number }
      this.facts.stored(roomOf(log.key), result.ids[i] ?? '', n, log.retain.events)
    }
    return result
  }

  async clear(log: ChannelLog): Promise<void> {
    await this.#backend.clear(log)
    if (isOfRoom(log)) this.facts.emptied(roomOf(log.key), 'was cleared')
  }

  async change(log: ChannelLog, change: LogChange): Promise<ChangeResult> {
    return await this.#entriesOf('change')(log, change)
  }

  async entries(log: ChannelLog, range: EntriesRange): Promise<EntriesPage> {
    return await this.#entriesOf('entries')(log, range)
  }

  #entriesOf<TName extends 'change' | 'entries'>(name: TName): NonNullable<Backend[TName]> {
    const backend = this.#backend
    const method = backend[name]
    if (method === undefined) throw new Error(`The memory backend has no ${name}.`)
    return method.bind(backend) as NonNullable<Backend[TName]>
  }

  flush(): void {
    this.#backend = memoryBackend({ clock: this.process.clock })
    this.facts.flushed()
    for (const audience of this.#audiences.values()) void this.#listen(audience)
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
}

function isOfRoom({ key }: ChannelLog): boolean {
  return roomOf(key) !== key
}
