import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { ChangeResult, EntryCondition, EntryUpdate, LogChange } from '../backend/entries.ts'
import { type EntriesBackend, toEntriesBackend } from '../backend/entries-backend.ts'
import type { Codec } from '../codec/codec.ts'
import { type EndMarker, type RunState, reasonIn, toRunState } from './items.ts'

/** The parts of a {@link RunLog}. */
export interface RunLogOptions {
  readonly log: ChannelLog
  readonly backend: Backend
  readonly codec: Codec
  readonly leaseMs: number
  readonly onAbandoned: 'end' | 'takeOver'
  readonly takeOverMs: number
  readonly keepForMs: number
}

/** Deltas that a producer stores in one step. */
export interface RunBatch {
  readonly payloads: readonly string[]
  /** The entry `fold`, if it is to be stored. */
  readonly fold: string | undefined
  /** The number of the run's deltas, including these. */
  readonly deltas: number
}

/** The content of a run's entries. */
export interface RunEntries {
  readonly state: RunState | undefined
  /** The text of the entry `status`, for conditions. */
  readonly statusText: string | null
  /** The text of the entry `lease`, for conditions. */
  readonly lease: string | null
  readonly deltas: string | null
  /** The stored value of the fold, and the id of the last event that it includes. */
  readonly fold: { readonly id: string; readonly text: string } | undefined
  /** The log's last id at the moment of the read. */
  readonly lastEventId: string
}

/**
 * The log of one run. Each method makes one atomic change, so a run has only one producer at a time
 * and one end. The log has these entries:
 *
 * - `status`
 * - `lease`: the token of the producer while it is alive
 * - `count`: the number of stored deltas
 * - `fold`: the text `<id> <value>`
 * - `deltas`: the number of stored deltas, only if the run can be taken over. It outlives the lease,
 *   and the run is abandoned when it expires.
 *
 * A producer stores deltas only if `count` is what it expects. If the backend has lost deltas, for
 * example because a replica without them took over, the write is refused: no run has a hole.
 */
export class RunLog {
  readonly #options: RunLogOptions

  constructor(options: RunLogOptions) {
    this.#options = options
  }

  /**
   * Begins the run, unless it has already begun. Returns the previous state; `undefined` if there
   * was none.
   */
  async begin(token: string): Promise<RunState | undefined> {
    const { outcome, current } = await this.#change({
      when: [
        { key: 'status', is: null },
        { key: 'lease', is: null },
      ],
      set: [{ key: 'status', value: runningText }, countEntry(0), ...this.#leases(token, 0)],
      forgetAfterMs: this.#abandonedForMs,
    })
    if (outcome === 'changed') return undefined
    const [status = null, lease = null] = current
    return toRunState(status, lease !== null || this.#canBeTakenOver) ?? { status: 'running' }
  }

  /**
   * Makes the owner of a token the producer of a run that has none. Returns the number of deltas. If
   * the run has a producer or has ended, returns its state.
   */
  async takeOver(token: string): Promise<{ readonly deltas: number } | RunState | undefined> {
    const { state, statusText, lease, deltas } = await this.read()
    // The answer to the change below may have been lost.
    if (lease === token) return { deltas: Number(deltas) }
    if (state?.status !== 'running' || lease !== null) return state
    const { outcome } = await this.#change({
      when: [
        { key: 'status', is: statusText },
        { key: 'lease', is: null },
        { key: 'deltas', is: deltas },
      ],
      set: [countEntry(Number(deltas)), ...this.#leases(token, Number(deltas))],
      forgetAfterMs: this.#abandonedForMs,
    })
    return outcome === 'changed' ? { deltas: Number(deltas) } : state
  }

  /**
   * Stores deltas and renews the lease. Returns their ids; `undefined` if the run has ended or has
   * lost deltas.
   */
  async store(token: string, batch: RunBatch): Promise<readonly string[] | undefined> {
    const { outcome, ids } = await this.#change({
      when: [{ key: 'lease', is: token }, countBefore(batch)],
      set: [...this.#leases(token, batch.deltas), ...batchEntries(batch)],
      payloads: batch.payloads,
      forgetAfterMs: this.#abandonedForMs,
    })
    return outcome === 'changed' ? ids : undefined
  }

  /** Stores the last deltas, if any, and ends the lease, so that another producer can continue. */
  async release(token: string, batch: RunBatch | undefined): Promise<void> {
    await this.#change({
      when: [{ key: 'lease', is: token }, ...(batch ? [countBefore(batch)] : [])],
      delete: ['lease'],
      set: batch ? [...this.#deltas(batch.deltas), ...batchEntries(batch)] : [],
      payloads: batch?.payloads ?? [],
      forgetAfterMs: this.#abandonedForMs,
    })
  }

  /**
   * Stores the end, with the last deltas. After a failed write, which may have stored its deltas,
   * pass none. Returns `false` if the run had already ended or has lost deltas.
   */
  async end(token: string, batch: RunBatch | undefined, end: EndMarker): Promise<boolean> {
    const { set, ...ending } = this.#ending(end)
    const { outcome } = await this.#change({
      when: [{ key: 'lease', is: token }, ...(batch ? [countBefore(batch)] : [])],
      ...ending,
      set: batch ? [...set, ...batchEntries(batch)] : set,
      payloads: [...(batch?.payloads ?? []), this.#payload(end)],
    })
    return outcome === 'changed'
  }

  /** Stops the run, or marks it as stopped before it begins. Returns the new state. */
  async stop(reason: string | undefined): Promise<RunState> {
    const end: EndMarker = {
      type: 'end',
      status: 'stopped',
      ...(reason !== undefined && { reason }),
    }
    for (;;) {
      const { state, statusText, lease, deltas } = await this.read()
      if (state !== undefined && state.status !== 'running') return state
      const { outcome } = await this.#change({
        when: [
          { key: 'status', is: statusText },
          { key: 'lease', is: lease },
          // A run that waits for another producer may be abandoned in between.
          ...(lease === null ? [{ key: 'deltas', is: deltas }] : []),
        ],
        ...this.#ending(end),
        payloads: [this.#payload(end)],
      })
      // Otherwise the run began or ended in between: try again.
      if (outcome === 'changed') return { status: end.status, ...reasonIn(end) }
    }
  }

  async read(): Promise<RunEntries> {
    const { log } = this.#options
    const page = await this.#backend.entries(log, { limit: 16 })
    const entries = new Map(page.entries)
    const statusText = entries.get('status') ?? null
    const lease = entries.get('lease') ?? null
    const deltas = entries.get('deltas') ?? null
    const fold = entries.get('fold')
    const space = fold?.indexOf(' ') ?? -1
    return {
      state: toRunState(statusText, lease !== null || deltas !== null),
      statusText,
      lease,
      deltas,
      fold:
        fold === undefined ? undefined : { id: fold.slice(0, space), text: fold.slice(space + 1) },
      lastEventId: page.lastEventId,
    }
  }

  #change(change: LogChange): Promise<ChangeResult> {
    return this.#backend.change(this.#options.log, change)
  }

  get #backend(): EntriesBackend {
    return toEntriesBackend(this.#options.backend)
  }

  #leases(token: string, deltas: number): readonly EntryUpdate[] {
    const lease = { key: 'lease', value: token, forMs: this.#options.leaseMs }
    if (this.#canBeTakenOver) return [lease, ...this.#deltas(deltas)]
    return [{ ...lease, onExpiry: this.#abandoned }]
  }

  #deltas(deltas: number): readonly EntryUpdate[] {
    const forMs = aliveForMs(this.#options)
    return [{ key: 'deltas', value: `${deltas}`, forMs, onExpiry: this.#abandoned }]
  }

  get #canBeTakenOver(): boolean {
    return this.#options.onAbandoned === 'takeOver'
  }

  get #abandoned(): string {
    return this.#payload({ type: 'end', status: 'abandoned' })
  }

  #ending(end: EndMarker): LogChange & Required<Pick<LogChange, 'set'>> {
    const state: RunState = { status: end.status, ...reasonIn(end) }
    return {
      delete: ['lease', 'deltas'],
      set: [{ key: 'status', value: JSON.stringify(state) }],
      forgetAfterMs: this.#options.keepForMs,
    }
  }

  #payload(end: EndMarker): string {
    return this.#options.codec.serialize(end)
  }

  /**
   * The time after which an abandoned run is forgotten, counted from the last renewal of the lease.
   */
  get #abandonedForMs(): number {
    return aliveForMs(this.#options) + this.#options.keepForMs
  }
}

/** The time for which a run counts as running after its producer's last change. */
export function aliveForMs({
  leaseMs,
  onAbandoned,
  takeOverMs,
}: Pick<RunLogOptions, 'leaseMs' | 'onAbandoned' | 'takeOverMs'>): number {
  return onAbandoned === 'takeOver' ? leaseMs + takeOverMs : leaseMs
}

function countEntry(deltas: number): EntryUpdate {
  return { key: 'count', value: `${deltas}` }
}

function countBefore({ payloads, deltas }: RunBatch): EntryCondition {
  return { key: 'count', is: `${deltas - payloads.length}` }
}

function batchEntries({ fold, deltas }: RunBatch): readonly EntryUpdate[] {
  const count = countEntry(deltas)
  return fold === undefined ? [count] : [count, { key: 'fold', value: fold }]
}

const runningText = JSON.stringify({ status: 'running' } satisfies RunState)
