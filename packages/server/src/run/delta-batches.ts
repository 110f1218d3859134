import type { Codec } from '../codec/codec.ts'
import { utf8Length } from '../codec/utf8.ts'
import type { AnyRunDefinition } from './definition.ts'
import { applyFold, initialValue } from './fold-value.ts'

/** A fold is stored again once so many bytes of deltas, or of itself, follow it. */
const leastTailBytes = 4_096
/** How many bytes of deltas are stored in one step, or one delta: the store does nothing else. */
const maxBatchBytes = 262_144

/** Deltas that are stored in one step. */
export interface DeltaBatch {
  readonly payloads: readonly string[]
  readonly bytes: number
  /** The text of the value after these deltas, if it is time to store it: with the next batch. */
  readonly fold: string | undefined
}

/** The deltas of a run that wait to be stored, and their value. */
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

  constructor(definition: AnyRunDefinition, codec: Codec) {
    this.#definition = definition
    this.#codec = codec
    if (definition.fold) this.#value = initialValue(definition.fold, codec)
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#payloads.length === 0
  }

  /** Whether there is a batch to which no delta is added any more. */
  get isFull(): boolean {
    return this.#full.length > 0
  }

  /** Adds a delta. Returns its bytes. Throws what the fold throws. */
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

  /** Removes the oldest batch, which may be empty, and returns it. */
  take(): DeltaBatch {
    if (this.#full.length === 0) this.#closeBatch()
    return this.#full.shift() ?? { payloads: [], bytes: 0, fold: undefined }
  }

  /** Of two batches, one with the fold before it, the log keeps all. */
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

  /** Written now, not when it is stored: a fold may change its value, though it must not. */
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
