import {
  type Backend,
  type ChangeResult,
  type ChannelLog,
  type EntriesPage,
  type EntriesRange,
  type LogChange,
  type LogListener,
  RealtimeError,
  type Unlisten,
} from '@trpc-sse/server'
import type { SimulatedProcess } from '../process.ts'
import { commandTimeoutMs, type StoreConnection, type StoreConnectionOptions } from './store.ts'

/** What all instances share. */
export interface SharedMemory {
  readonly process: SimulatedProcess
  /** Where logs are read, and notices sent. */
  readonly backend: Backend
  append(...args: Parameters<Backend['append']>): ReturnType<Backend['append']>
  clear(log: ChannelLog): Promise<void>
  change(log: ChannelLog, change: LogChange): Promise<ChangeResult>
  entries(log: ChannelLog, range: EntriesRange): Promise<EntriesPage>
  listen(log: ChannelLog, listener: LogListener): Promise<() => void>
}

interface MemoryConnectionOptions extends StoreConnectionOptions {
  readonly store: SharedMemory
}

/** A memory backend, as one instance has it: behind a network. */
export class MemoryConnection implements Backend, StoreConnection {
  readonly #options: MemoryConnectionOptions
  readonly #listeners = new Set<LogListener>()
  #interruptedUntilMs = 0
  /** Hints arrive in their order. */
  #lastHintMs = 0
  #isClosed = false

  constructor(options: MemoryConnectionOptions) {
    this.#options = options
  }

  get backend(): Backend {
    return this
  }

  async append(...[log, payloads, options = {}]: Parameters<Backend['append']>) {
    const { store, conditions, chance } = this.#options
    const { after, ...others } = options
    await after
    const losesAnswer = conditions.losesAnswers && chance.is(0.5)
    return await this.#ask(() => store.append(log, payloads, others), losesAnswer)
  }

  async read(...[log, range, options]: Parameters<Backend['read']>) {
    const { store } = this.#options
    const page = await this.#ask(() => store.backend.read(log, range))
    options?.signal?.throwIfAborted()
    return page
  }

  clear(log: ChannelLog): Promise<void> {
    return this.#ask(() => this.#options.store.clear(log))
  }

  change(log: ChannelLog, change: LogChange): Promise<ChangeResult> {
    const { store, conditions, chance } = this.#options
    const losesAnswer = conditions.losesAnswers && chance.is(0.5)
    return this.#ask(() => store.change(log, change), losesAnswer)
  }

  entries(log: ChannelLog, range: EntriesRange): Promise<EntriesPage> {
    return this.#ask(() => this.#options.store.entries(log, range))
  }

  notify(log: ChannelLog, text: string): Promise<boolean> {
    return this.#ask(async () => (await this.#options.store.backend.notify?.(log, text)) ?? false)
  }

  async listen(log: ChannelLog, listener: LogListener): Promise<Unlisten> {
    const { store, process } = this.#options
    let isListening = true
    const remote = this.#remote(listener, () => isListening)
    const unlisten = await this.#ask(async () => {
      const leave = await store.listen(log, remote)
      // The process may have crashed while it asked.
      if (process.hasCrashed) leave()
      else process.onCrash(leave)
      return leave
    })
    this.#listeners.add(listener)
    const stop = (): void => {
      isListening = false
      this.#listeners.delete(listener)
      unlisten()
    }
    process.onCrash(stop)
    return async () => stop()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  disturbed(): void {}

  /** A connection that was down is there again; one that was only deaf never noticed. */
  healed(wasDown: boolean): void {
    if (wasDown) this.interrupt(0)
  }

  /** Cuts the connection for hints; once it is there again, listeners are told. */
  interrupt(forMs: number): void {
    const { process } = this.#options
    this.#interruptedUntilMs = process.clock.monotonicMs?.() ?? 0
    this.#interruptedUntilMs += forMs
    process.arrive(forMs, () => {
      for (const listener of [...this.#listeners]) listener.onInterrupted()
    })
  }

  /** What the store calls: each call takes its time, and may be lost. */
  #remote(listener: LogListener, isListening: () => boolean): LogListener {
    const deliver = (call: () => void): void => this.#deliver(() => isListening() && call())
    return {
      onEvent: (event) => deliver(() => listener.onEvent(event)),
      onInterrupted: () => deliver(() => listener.onInterrupted()),
      onNotice: (text) => deliver(() => listener.onNotice?.(text)),
    }
  }

  #deliver(call: () => void): void {
    const { process, conditions, chance } = this.#options
    const nowMs = process.clock.monotonicMs?.() ?? 0
    if (conditions.isDeaf || conditions.isDown || nowMs < this.#interruptedUntilMs) return
    const arrivesMs = nowMs + chance.delayMs(3 * conditions.slowness)
    this.#lastHintMs = Math.max(this.#lastHintMs, arrivesMs)
    process.arrive(this.#lastHintMs - nowMs, call)
    if (conditions.repeatsHints) process.arrive(this.#lastHintMs - nowMs, call)
  }

  /** Sends a command. It is done on its arrival, whatever becomes of who has sent it. */
  #ask<TResult>(command: () => Promise<TResult>, losesAnswer = false): Promise<TResult> {
    const { process, store, conditions, chance } = this.#options
    const wayMs = (): number => chance.delayMs(2 * conditions.slowness)
    return new Promise((resolve, reject) => {
      if (process.hasCrashed) return
      if (this.#isClosed) return reject(new RealtimeError('CLOSED', 'The connection is closed.'))
      const fail = (): void => {
        const message = 'The simulated store gave no answer.'
        reject(new RealtimeError('BACKEND_UNAVAILABLE', message))
      }
      if (conditions.isDown || losesAnswer) process.arrive(commandTimeoutMs, fail)
      if (conditions.isDown) return
      store.process.arrive(wayMs(), () => {
        command().then(
          (result) => losesAnswer || process.arrive(wayMs(), () => resolve(result)),
          (error: unknown) => process.arrive(wayMs(), () => reject(error)),
        )
      })
    })
  }
}
