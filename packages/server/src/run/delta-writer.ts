import { wait } from '@trpc-sse/protocol'
import { type DeltaBatch, DeltaBatches } from './delta-batches.ts'
import type { EndMarker, RunEnd } from './items.ts'
import type { RunParts } from './run-parts.ts'

/** How much longer deltas wait late in a run than at its start. */
const longestRollup = 4
/** After how many writes that is reached: one more `rollupMs` for every eight. */
const writesPerStep = 8

/**
 * Stores the deltas of a run, many in one step, while the producer goes on. One write is under way
 * at a time. Keeps the lease.
 */
export class DeltaWriter {
  readonly #options: RunParts
  readonly #token: string
  readonly #onLost: () => void
  readonly #batches: DeltaBatches
  /** How many bytes wait or are being stored. */
  #bytes = 0
  #cancelTimer: (() => void) | undefined
  #cancelRenewal: (() => void) | undefined
  #writing: Promise<void> | undefined
  #writes = 0
  /** Why nothing more can be stored. */
  #failure: { readonly error: unknown } | undefined
  #isLost = false
  /** The fold to store next, with the id of the last event that it includes. */
  #fold: string | undefined

  constructor(options: RunParts, token: string, onLost: () => void) {
    this.#options = options
    this.#token = token
    this.#onLost = onLost
    this.#batches = new DeltaBatches(options.definition, options.codec)
    this.#renewLater()
  }

  /** The error of the write that failed, if one did. */
  get failure(): unknown {
    return this.#failure?.error
  }

  /**
   * Takes a delta, to be stored soon. Resolves when it takes the next one, which is at once unless
   * too much waits. Rejects if the run can't go on.
   */
  async add(delta: unknown, payload: string): Promise<void> {
    if (this.#failure) throw this.#failure.error
    this.#bytes += this.#batches.add(delta, payload)
    if (!this.#batches.isFull) return this.#writeLater()
    this.#write()
    const { clock, definition } = this.#options
    // A source that never waits would let nothing else run, not even the answer to a write.
    await wait(clock, 0)
    while (this.#bytes > definition.maxBufferedBytes && this.#writing) await this.#writing
  }

  /** Stores the rest and the end. Returns how the run has ended: it may have ended before. */
  async end(marker: EndMarker): Promise<RunEnd> {
    this.#cancelTimer?.()
    this.#cancelRenewal?.()
    for (;;) {
      while (this.#writing) await this.#writing
      if (!this.#batches.isFull || !this.#canWrite) break
      this.#write()
    }
    const { runLog } = this.#options
    // What a failed write has stored isn't known, so nothing is stored after it but the end.
    const rest = this.#failure ? [] : this.#batches.take().payloads
    const fold = this.#failure ? undefined : this.#fold
    const failed: EndMarker = { type: 'end', status: 'failed' }
    const end = this.#failure && marker.status === 'completed' ? failed : marker
    if (!this.#isLost && (await runLog.end(this.#token, rest, end, fold))) return end.status
    const { state } = await runLog.read()
    return state === undefined || state.status === 'running' ? 'abandoned' : state.status
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelRenewal?.()
  }

  get #canWrite(): boolean {
    return !this.#failure && !this.#isLost
  }

  #writeLater(): void {
    if (this.#cancelTimer || this.#writing) return
    const { clock, definition } = this.#options
    const steps = Math.min(longestRollup, 1 + this.#writes / writesPerStep)
    this.#cancelTimer = clock.after(definition.rollupMs * steps, () => {
      this.#cancelTimer = undefined
      this.#write()
    })
  }

  #renewLater(): void {
    const { clock, definition } = this.#options
    this.#cancelRenewal?.()
    this.#cancelRenewal = clock.after(definition.leaseMs / 3, () => {
      this.#renewLater()
      this.#write()
    })
  }

  #write(): void {
    if (this.#writing || !this.#canWrite) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#writing = this.#store(this.#batches.take()).then(
      () => this.#written(),
      (error: unknown) => {
        this.#failure = { error }
        this.#written()
        this.#onLost()
      },
    )
  }

  #written(): void {
    this.#writing = undefined
    if (!this.#canWrite || this.#batches.isEmpty) return
    if (this.#batches.isFull) this.#write()
    else this.#writeLater()
  }

  async #store({ payloads, bytes, fold }: DeltaBatch): Promise<void> {
    this.#writes += 1
    const ids = await this.#options.runLog.store(this.#token, payloads, this.#fold)
    this.#bytes -= bytes
    if (ids === undefined) {
      this.#isLost = true
      this.#onLost()
      return
    }
    this.#fold = fold === undefined ? undefined : `${ids.at(-1)} ${fold}`
    this.#renewLater()
  }
}
