import { type Clock, elapsedTime, RealtimeError, systemClock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from './backend.ts'
import { type MemoryClock, MemoryLogState } from './memory-log-state.ts'
import { Sweep } from './sweep.ts'

/** Options of {@link memoryBackend}. */
export interface MemoryBackendOptions {
  /**
   * Provides the times of events, and random numbers for the origins of logs.
   *
   * @default systemClock
   */
  readonly clock?: Clock
}

/**
 * Creates a backend that keeps logs in the memory of this process. Use it for apps with one process
 * and for tests. It is also the reference implementation for other backends.
 *
 * A log and its last id are forgotten after its `forMs` plus 30 days without use. A log that never
 * had an event is forgotten after 10 minutes.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  const clock = options.clock ?? systemClock
  const logs = new MemoryLogs({
    now: () => clock.now(),
    random: () => clock.random(),
    after: (...timer) => clock.after(...timer),
    monotonicMs: elapsedTime(clock),
  })
  let closed = false

  function checkOpen(): void {
    if (closed)
      throw new RealtimeError('CLOSED', 'The memory backend is closed. Create another one.')
  }

  /** Runs one operation on one log. Async, so that errors are rejections, as in other backends. */
  async function use<TResult>(
    log: ChannelLog,
    operation: (state: MemoryLogState, nowMs: number) => TResult,
  ): Promise<TResult> {
    checkOpen()
    const nowMs = Math.floor(clock.now())
    return operation(logs.open(log, nowMs), nowMs)
  }

  return {
    async append(log, payloads, appendOptions = {}) {
      if (appendOptions.after) await appendOptions.after
      return await use(log, (state, nowMs) => state.append(payloads, appendOptions, nowMs))
    },
    read: (log, range) => use(log, (state, nowMs) => state.read(range, nowMs)),
    clear: (log) => use(log, (state, nowMs) => state.clear(nowMs)),
    listen: (log, listener) => use(log, (state) => state.listen(listener)),
    change: (log, change) => use(log, (state, nowMs) => state.change(change, nowMs)),
    entries: (log, range) => use(log, (state) => state.readEntries(range)),
    async notify({ key }, text) {
      checkOpen()
      return logs.find(key)?.notice(text) ?? false
    },
    async close() {
      closed = true
      logs.clear()
    },
  }
}

/** The logs by key. */
class MemoryLogs {
  readonly #clock: MemoryClock
  readonly #states = new Map<string, MemoryLogState>()
  readonly #sweep = new Sweep(this.#states, (state, nowMs) => state.expire(nowMs))
  #sweptAtMs = 0

  constructor(clock: MemoryClock) {
    this.#clock = clock
  }

  /** Returns the state of a log. Creates it if necessary. */
  open({ key, retain }: ChannelLog, nowMs: number): MemoryLogState {
    const found = this.#states.get(key)
    const state = found ?? new MemoryLogState(this.#clock, retain, nowMs)
    state.touch(retain, nowMs)
    if (found === undefined) this.#states.set(key, state)
    // One sweep step per millisecond is enough, but each new log adds one, as many may be created.
    if (found === undefined || nowMs !== this.#sweptAtMs) this.#sweep.step(nowMs)
    this.#sweptAtMs = nowMs
    return state
  }

  find(key: string): MemoryLogState | undefined {
    return this.#states.get(key)
  }

  clear(): void {
    for (const state of this.#states.values()) state.removeListeners()
    this.#states.clear()
  }
}
