import { wait } from '@trpc-sse/protocol'
import { type DeltaBatch, DeltaBatches } from './delta-batches.ts'
import type { EndMarker, RunEnd } from './items.ts'
import type { RunBatch } from './run-log.ts'
import type { RunParts } from './run-parts.ts'
import type { Resumed } from './take-over.ts'

/** The maximum factor by which the delay of writes grows during a run. */
const longestRollup = 4
/** The number of writes after which the delay has grown by one `rollupMs`. */
const writesPerStep = 8

/** Options of {@link DeltaWriter}. */
export interface DeltaWriterOptions {
  readonly token: string
  /** The state to continue from, if the run was taken over. */
  readonly resumed: Resumed | undefined
  /** Called whenever the lease was renewed. */
  onRenewed(): void
  /** Called when nothing more can be stored. */
  onLost(): void
}

interface WriteFailure {
  readonly error: unknown
  /** Whether another producer would fail in the same way. */
  readonly isFinal: boolean
}

/**
 * Stores the deltas of a run, many in one write, while the producer continues. Only one write is
 * pending at a time. Also renews the lease.
 */
export class DeltaWriter {
  readonly #options: RunParts
  readonly #token: string
  readonly #onRenewed: () => void
  readonly #onLost: () => void
  readonly #batches: DeltaBatches
  /** The number of bytes that wait or are being stored. */
  #bytes = 0
  #cancelTimer: (() => void) | undefined
  #cancelRenewal: (() => void) | undefined
  #writing: Promise<void> | undefined
  #writes = 0
  /** The error after which nothing more is stored. */
  #failure: WriteFailure | undefined
  #isLost = false
  /** The text of the fold to store next: the id of the last included event, and the value. */
  #fold: string | undefined
  /** The number of stored deltas. */
  #deltas = 0

  constructor(options: RunParts, { token, resumed, onRenewed, onLost }: DeltaWriterOptions) {
    this.#options = options
    this.#token = token
    this.#onRenewed = onRenewed
    this.#onLost = onLost
    this.#batches = new DeltaBatches(options, resumed)
    if (resumed) this.#resume(resumed)
    this.#renewLater()
  }

  /** The error of a failed write, if any. */
  get failure(): unknown {
    return this.#failure?.error
  }

  /**
   * Adds a delta, which is stored soon. Resolves when the writer accepts the next delta:
   * immediately, unless too many bytes wait. Rejects if the run can't continue.
   */
  async add(payload: string): Promise<void> {
    if (this.#failure) throw this.#failure.error
    this.#bytes += this.#batches.add(payload)
    if (!this.#batches.isFull) return this.#writeLater()
    this.#write()
    const { clock, definition } = this.#options
    // Let other work run, such as the reply to a write, even if the source never waits.
    await wait(clock, 0)
    while (this.#bytes > definition.maxBufferedBytes && this.#writing) await this.#writing
  }

  /**
   * Stores the remaining deltas and the end. Returns the final status, as the run may already have
   * ended in another way.
   */
  async end(marker: EndMarker): Promise<RunEnd> {
    this.#cancelTimer?.()
    this.#cancelRenewal?.()
    for (;;) {
      while (this.#writing) await this.#writing
      if (!this.#batches.isFull || !this.#canWrite) break
      this.#write()
    }
    const { runLog, definition } = this.#options
    // A failed write may have stored its deltas, so only the end is stored after it.
    const batch = this.#failure ? undefined : this.#batches.take()
    const rest = batch && this.#nextBatch(batch.payloads)
    if (batch?.failure) this.#failure = { ...batch.failure, isFinal: true }
    const isGivenUp = marker.status === 'abandoned' || this.#failure?.isFinal === false
    if (definition.onAbandoned === 'takeOver' && isGivenUp && marker.status !== 'failed') {
      if (!this.#isLost) await runLog.release(this.#token, rest)
      return 'abandoned'
    }
    const failed: EndMarker = { type: 'end', status: 'failed' }
    const end = this.#failure && marker.status === 'completed' ? failed : marker
    if (!this.#isLost && (await runLog.end(this.#token, rest, end))) return end.status
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

  /** Continues a run. The first write stores its value too, so earlier deltas needn't be retained. */
  #resume({ resumeFrom: { value, deltas }, after }: Resumed): void {
    const { definition, codec } = this.#options
    this.#deltas = deltas
    if (definition.fold) this.#fold = `${after} ${codec.serialize(value)}`
  }

  #nextBatch(payloads: readonly string[]): RunBatch {
    return { payloads, fold: this.#fold, deltas: this.#deltas + payloads.length }
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
        this.#failure = { error, isFinal: false }
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

  async #store({ payloads, bytes, fold, failure }: DeltaBatch): Promise<void> {
    this.#writes += 1
    const batch = this.#nextBatch(payloads)
    const ids = await this.#options.runLog.store(this.#token, batch)
    this.#bytes -= bytes
    if (ids === undefined) {
      this.#isLost = true
      this.#onLost()
      return
    }
    this.#deltas = batch.deltas
    if (failure) {
      this.#failure = { ...failure, isFinal: true }
      return this.#onLost()
    }
    this.#fold = fold === undefined ? undefined : `${ids.at(-1)} ${fold}`
    this.#renewLater()
    this.#onRenewed()
  }
}
