import type { Codec } from '../codec/codec.ts'
import { utf8Length } from '../codec/utf8.ts'
import type { AnyRunDefinition } from './definition.ts'
import { applyFold, copyOf, foldText } from './fold-value.ts'
import { toStoredItem } from './items.ts'
import type { RunParts } from './run-parts.ts'
import type { Resumed } from './take-over.ts'

/**
 * The minimum bytes of deltas after which the fold is stored again. If the fold itself is longer,
 * its length counts instead.
 */
const leastTailBytes = 4_096
/**
 * The maximum bytes of deltas in one write, which blocks the store. A larger delta is written
 * alone.
 */
const maxBatchBytes = 262_144

/** Deltas that are stored in one write. */
export interface DeltaBatch {
  readonly payloads: readonly string[]
  readonly bytes: number
  /** The text of the value after these deltas, if it is due. It is stored with the next batch. */
  readonly fold: string | undefined
  /** Set if the value can't be stored. The run fails after these deltas. */
  readonly failure: { readonly error: unknown } | undefined
}

const noFold = { fold: undefined, failure: undefined }
const emptyBatch: DeltaBatch = { payloads: [], bytes: 0, ...noFold }

/** The deltas of a run that wait to be stored, and the value of all deltas so far. */
export class DeltaBatches {
  readonly #name: string
  readonly #definition: AnyRunDefinition
  readonly #codec: Codec
  readonly #full: DeltaBatch[] = []
  #payloads: string[] = []
  #bytes = 0
  #value: unknown
  #foldLength = 0
  #tailBytes = 0
  #tailEvents = 0

  /** Starts with the value of a run that was taken over, or with the initial value of the fold. */
  constructor(
    { name, definition, codec }: Pick<RunParts, 'name' | 'definition' | 'codec'>,
    resumed: Resumed | undefined,
  ) {
    this.#name = name
    this.#definition = definition
    this.#codec = codec
    if (!definition.fold) return
    this.#value = copyOf(resumed ? resumed.resumeFrom.value : definition.fold.initial, codec)
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#payloads.length === 0
  }

  /** Whether there is a complete batch. */
  get isFull(): boolean {
    return this.#full.length > 0
  }

  /** Adds a delta. Returns its size in bytes. Throws the error of the fold. */
  add(payload: string): number {
    const bytes = utf8Length(payload)
    if (this.#payloads.length > 0 && this.#bytes + bytes > maxBatchBytes) this.#closeBatch()
    this.#apply(payload)
    this.#payloads.push(payload)
    this.#bytes += bytes
    if (this.#payloads.length >= this.#maxEvents || this.#bytes >= maxBatchBytes) this.#closeBatch()
    return bytes
  }

  /** Removes and returns the oldest batch, which may be empty. */
  take(): DeltaBatch {
    if (this.#full.length === 0) this.#closeBatch()
    return this.#full.shift() ?? emptyBatch
  }

  /**
   * The maximum number of events in a batch. The log must retain two whole batches: a batch and the
   * next one, which stores its fold.
   */
  get #maxEvents(): number {
    return Math.floor(this.#definition.retain.events / 2)
  }

  #closeBatch(): void {
    this.#tailBytes += this.#bytes
    this.#tailEvents += this.#payloads.length
    const stored = { payloads: this.#payloads, bytes: this.#bytes }
    this.#full.push({ ...stored, ...this.#foldIfDue() })
    this.#payloads = []
    this.#bytes = 0
  }

  /**
   * Applies a delta in its stored form, so that the value is the same as that of followers. The
   * source may change the delta later, and the stored form may lack some of its properties.
   */
  #apply(payload: string): void {
    const { fold } = this.#definition
    if (!fold) return
    const item = toStoredItem(this.#codec.deserialize(payload))
    if (item?.type === 'delta') this.#value = applyFold(fold, this.#value, item.data)
  }

  /**
   * Returns the text of the fold if it is due. The value is written now and not when it is stored,
   * because a faulty fold may change the value later.
   */
  #foldIfDue(): Pick<DeltaBatch, 'fold' | 'failure'> {
    const { fold, retain } = this.#definition
    if (!fold || this.#tailEvents === 0) return noFold
    const isLong = this.#tailBytes >= Math.max(leastTailBytes, this.#foldLength)
    if (!isLong && this.#tailEvents * 2 < retain.events) return noFold
    try {
      const text = foldText(this.#value, { name: this.#name, codec: this.#codec })
      // Continue with the decoded value, which is the one that followers get.
      this.#value = this.#codec.deserialize(text)
      this.#foldLength = text.length
      this.#tailBytes = 0
      this.#tailEvents = 0
      return { fold: text, failure: undefined }
    } catch (error) {
      return { fold: undefined, failure: { error } }
    }
  }
}
