import type { DeliveryCount, TracedSubscription } from '@trpc-sse/protocol'
import type { Tracer } from '../../user-code/tracer.ts'

/** Traces what is sent to one call. Only calls that are traced have one. */
export class CallTrace {
  readonly #tracer: Tracer
  readonly #about: TracedSubscription
  readonly #startedAt: number | undefined
  readonly #count: DeliveryCount | undefined

  /** `startedAt` is in milliseconds since 1970; `undefined` if nobody traced then. */
  constructor(tracer: Tracer, about: TracedSubscription, startedAt: number | undefined) {
    this.#tracer = tracer
    this.#about = about
    this.#startedAt = startedAt
    this.#count = tracer.countOf(about.path)
  }

  /** Traces an event: its frame, if no other call was sent it before, and the delivery. */
  sentEvent(id: string, parts: readonly Uint8Array[], headBytes: number, isNew: boolean): void {
    let bytes = 0
    for (const { length } of parts) bytes += length
    if (isNew) this.#tracer.report('framed', { id, bytes, subscribedAt: this.#startedAt })
    this.sent(id, bytes + headBytes)
  }

  /** Traces the delivery of an event or a value. */
  sent(id: string | undefined, bytes: number): void {
    if (this.#count) this.#tracer.add(this.#count, bytes)
    if (this.#tracer.reportsSent) this.#tracer.report('sent', { ...this.#about, id, bytes })
  }
}
