import { type Clock, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntryUpdate, LogChange } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import type { Codec } from '../codec/codec.ts'
import { FailureReport } from '../hub/report.ts'
import type { ActiveRun, ActiveRunChange } from './active.ts'

/** The parts of an {@link ActiveEntry}. */
export interface ActiveEntryOptions {
  /** The log of the index. */
  readonly log: ChannelLog
  /** The run's key, which names the entry. */
  readonly key: string
  readonly params: unknown
  readonly backend: EntriesBackend
  readonly codec: Codec
  readonly clock: Clock
  readonly leaseMs: number
  /** The time for which the entry stays if it isn't renewed, in milliseconds. */
  readonly forMs: number
  readonly maxActive: number
  /** Called with errors. A run that can't be listed still runs. */
  report(error: unknown, stage: 'index', log: ChannelLog): void
}

/** The time for which an index is remembered after its last change, in milliseconds. */
const rememberedMs = 3_600_000

/**
 * The entry of one run in its index, while the run is active. Each change stores an event, which
 * notifies the readers of the index.
 */
export class ActiveEntry {
  readonly #options: ActiveEntryOptions
  readonly #elapsedMs: () => number
  readonly #failures: FailureReport
  readonly #startedAt: number
  /** The text of the entry, once it is known to be stored. */
  #text: string | undefined
  #keptAtMs = Number.NEGATIVE_INFINITY
  /** Settles after the last change. */
  #work: Promise<void> = Promise.resolve()

  constructor(options: ActiveEntryOptions) {
    const { clock, report, log } = options
    this.#options = options
    this.#elapsedMs = elapsedTime(clock)
    this.#failures = new FailureReport((error) => report(error, 'index', log), 'index')
    this.#startedAt = clock.now()
  }

  /** Adds the entry, or renews it when that is due. Call it only while the run's lease is held. */
  keep(): void {
    const nowMs = this.#elapsedMs()
    if (nowMs - this.#keptAtMs < this.#options.leaseMs / 3) return
    this.#keptAtMs = nowMs
    this.#work = this.#attempt(async () => {
      if (!(await this.#renew())) await this.#add()
    })
  }

  /** Removes the entry. Resolves once it is removed, or the removal has failed. */
  async remove(): Promise<void> {
    this.#work = this.#attempt(async () => {
      const ended: ActiveRunChange<unknown> = { type: 'ended', params: this.#options.params }
      await this.#changeOwn({ delete: [this.#options.key], payloads: [this.#serialize(ended)] })
    })
    await this.#work
  }

  async #attempt(change: () => Promise<void>): Promise<void> {
    await this.#work
    try {
      await change()
      this.#failures.succeeded()
    } catch (error) {
      this.#failures.failed(error)
    }
  }

  async #renew(): Promise<boolean> {
    return this.#text !== undefined && (await this.#changeOwn({ set: [this.#entry(this.#text)] }))
  }

  /** Adds the entry, unless another producer of the run has added it. */
  async #add(): Promise<void> {
    const { key, params, maxActive } = this.#options
    const run: ActiveRun<unknown> = { params, startedAt: this.#startedAt }
    const text = this.#serialize(run)
    const started: ActiveRunChange<unknown> = { type: 'started', ...run }
    const { outcome, current } = await this.#change({
      when: [{ key, is: null }],
      set: [this.#entry(text)],
      payloads: [this.#serialize(started)],
      maxEntries: maxActive,
    })
    if (outcome === 'full') throw tooManyActive(maxActive)
    this.#text = outcome === 'changed' ? text : (current[0] ?? undefined)
  }

  /** Changes the entry if it is still stored. Returns whether it was. */
  async #changeOwn(change: LogChange): Promise<boolean> {
    if (this.#text === undefined) return false
    const when = [{ key: this.#options.key, is: this.#text }]
    return (await this.#change({ when, ...change })).outcome === 'changed'
  }

  #change(change: LogChange): ReturnType<EntriesBackend['change']> {
    const { backend, log, forMs } = this.#options
    return backend.change(log, { ...change, forgetAfterMs: rememberedMs + forMs })
  }

  #entry(value: string): EntryUpdate {
    const { key, params, forMs } = this.#options
    const ended: ActiveRunChange<unknown> = { type: 'ended', params }
    return { key, value, forMs, onExpiry: this.#serialize(ended) }
  }

  #serialize(value: unknown): string {
    return this.#options.codec.serialize(value)
  }
}

function tooManyActive(maxActive: number): RealtimeError {
  const message = `The index has ${maxActive} active runs, so another one isn't listed. Raise maxActive of the run, or give it a finer index.`
  return new RealtimeError('INVALID_OPTION', message)
}
