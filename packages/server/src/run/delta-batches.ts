import type { Codec } from '../codec/codec.ts'
import { utf8Length } from '../codec/utf8.ts'
import type { AnyRunDefinition } from './definition.ts'
import { applyFold, initialValue } from './fold-value.ts'
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
}

/** The deltas of a run that wait to be stored, and the value of all deltas so far. */
export class DeltaBatches {
  readonly #definition: AnyRunDefinition
  readonly #codec: Codec
  readonly #full: DeltaBatch[] = []
  #payloads: string[] = []
  #bytes = 0
  #value: unknown
  #foldLength = 0
  #tailBytes = 0
  #tailEvents = 0

  /** Starts with the value of a run that was taken over, or with the first one. */
  constructor(definition: AnyRunDefinition, codec: Codec, resumed: Resumed | undefined) {
    this.#definition = definition
    this.#codec = codec
    if (resumed) this.#value = resumed.resumeFrom.value
    else if (definition.fold) this.#value = initialValue(definition.fold, codec)
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#payloads.length === 0
  }

  /** Whether there is a complete batch. */
  get isFull(): boolean {
    return this.#full.length > 0
  }

  /** Adds a delta. Returns its size in bytes. Throws the error of the fold. */
  add(delta: unknown, payload: string): number {
    const { fold } = this.#definition
    const bytes = utf8Length(payload)
    if (this.#payloads.length > 0 && this.#bytes + bytes > maxBatchBytes) this.#closeBatch()
    if (fold) this.#value = applyFold(fold, this.#value, delta)
    this.#payloads.push(payload)
    this.#bytes += bytes
    if (this.#payloads.length >= this.#maxEvents || this.#bytes >= maxBatchBytes) this.#closeBatch()
    return bytes
  }

  /** Removes and returns the oldest batch, which may be empty. */
  take(): DeltaBatch {
    if (this.#full.length === 0) this.#closeBatch()
    return this.#full.shift() ?? { payloads: [], bytes: 0, fold: undefined }
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
    this.#full.push({ payloads: this.#payloads, bytes: this.#bytes, fold: this.#foldIfDue() })
    this.#payloads = []
    this.#bytes = 0
  }

  /**
   * Returns the text of the fold if it is due. The value is written now and not when it is stored,
   * because a faulty fold may change the value later.
   */
  #foldIfDue(): string | undefined {
    const { fold, retain } = this.#definition
    if (!fold || this.#tailEvents === 0) return undefined
    const isLong = this.#tailBytes >= Math.max(leastTailBytes, this.#foldLength)
    if (!isLong && this.#tailEvents * 2 < retain.events) return undefined
    const text = this.#codec.serialize(this.#value)
    this.#foldLength = text.length
    this.#tailBytes = 0
    this.#tailEvents = 0
    return text
  }
}
