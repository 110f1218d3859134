import { RealtimeError } from '@trpc-sse/protocol'
import { utf8Length } from '../codec/utf8.ts'
import { mustBeValue } from '../user-code/calls.ts'
import type { EndMarker, RunEnd } from './items.ts'
import type { RunParts } from './run-parts.ts'

/** How much longer deltas wait late in a run than at its start. */
const longestRollup = 4
/** After how many writes that is reached: one more `rollupMs` for every eight. */
const writesPerStep = 8
/** A fold is stored again once so many bytes of deltas, or of itself, follow it. */
const leastTailBytes = 4_096

/**
 * Stores the deltas of a run, many in one step, while the producer goes on. One write is under way
 * at a time. Keeps the lease.
 */
export class DeltaWriter {
  readonly #options: RunParts
  readonly #token: string
  readonly #onLost: () => void
  #payloads: string[] = []
  #bytes = 0
  #cancelTimer: (() => void) | undefined
  #cancelRenewal: (() => void) | undefined
  #writing: Promise<void> | undefined
  #writes = 0
  /** Why nothing more can be stored. */
  #failure: { readonly error: unknown } | undefined
  #isLost = false
  /** The fold's value after all deltas, and after those that are stored. */
  #value: unknown
  #storedValue: unknown
  #storedId: string | undefined
  #foldLength = 0
  #tailBytes = 0
  #tailEvents = 0

  constructor(options: RunParts, token: string, onLost: () => void) {
    this.#options = options
    this.#token = token
    this.#onLost = onLost
    this.#value = options.definition.fold?.initial
    this.#storedValue = this.#value
    this.#renewLater()
  }

  /** The error of the write that failed, if one did. */
  get failure(): unknown {
    return this.#failure?.error
  }

  /** Takes a delta, to be stored soon. Throws if the run can't go on. */
  add(delta: unknown, payload: string): void {
    const { fold, maxBufferedBytes } = this.#options.definition
    if (this.#failure) throw this.#failure.error
    if (fold) this.#value = mustBeValue(fold.apply(this.#value, delta), 'fold.apply()')
    this.#payloads.push(payload)
    this.#bytes += utf8Length(payload)
    if (this.#bytes > maxBufferedBytes) throw tooMuchWaits(maxBufferedBytes)
    this.#writeLater()
  }

  /** Stores the rest and the end. Returns how the run has ended: it may have ended before. */
  async end(marker: EndMarker): Promise<RunEnd> {
    this.#cancelTimer?.()
    this.#cancelRenewal?.()
    while (this.#writing) await this.#writing
    const { runLog } = this.#options
    // What a failed write has stored isn't known, so nothing is stored after it but the end.
    const rest = this.#failure ? [] : this.#payloads
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
    if (this.#writing || this.#failure || this.#isLost) return
    this.#writing = this.#store().then(
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
    if (this.#payloads.length > 0 && !this.#failure && !this.#isLost) this.#writeLater()
  }

  async #store(): Promise<void> {
    const payloads = this.#payloads
    const bytes = this.#bytes
    const value = this.#value
    this.#payloads = []
    this.#writes += 1
    const ids = await this.#options.runLog.store(this.#token, payloads, this.#foldToStore())
    this.#bytes -= bytes
    if (ids === undefined) {
      this.#isLost = true
      this.#onLost()
      return
    }
    this.#storedId = ids.at(-1) ?? this.#storedId
    this.#storedValue = value
    this.#tailBytes += bytes
    this.#tailEvents += ids.length
    this.#renewLater()
  }

  /** Returns the fold of all that is stored, if it is time to store it again. */
  #foldToStore(): string | undefined {
    const { fold, retain } = this.#options.definition
    if (fold === undefined || this.#storedId === undefined) return undefined
    const isLong = this.#tailBytes >= Math.max(leastTailBytes, this.#foldLength)
    if (!isLong && this.#tailEvents * 2 < retain.events) return undefined
    const text = this.#options.codec.serialize(this.#storedValue)
    this.#foldLength = text.length
    this.#tailBytes = 0
    this.#tailEvents = 0
    return `${this.#storedId} ${text}`
  }
}

function tooMuchWaits(maxBufferedBytes: number): RealtimeError {
  const message = `More than ${maxBufferedBytes} bytes of deltas wait for the backend (maxBufferedBytes of run()), so the run fails. See why the backend doesn't answer.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
