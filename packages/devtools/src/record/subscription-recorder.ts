import { errorText, preview } from './preview.ts'
import type {
  EntryKind,
  RecordStore,
  SubscriptionRecord,
  SubscriptionStatus,
  Writable,
} from './records.ts'

/** Records one subscription. */
export class SubscriptionRecorder {
  readonly #store: RecordStore
  readonly #record: Writable<SubscriptionRecord>

  constructor(store: RecordStore, record: SubscriptionRecord) {
    this.#store = store
    this.#record = record
  }

  started(): void {
    this.#record.status = 'live'
    this.#note('started', '')
  }

  event(id: string | undefined, data: unknown): void {
    this.#record.events += 1
    this.#record.lastEventId = id ?? this.#record.lastEventId
    this.#store.note('event', preview(data), this.#record, id)
  }

  gap(reason: string, lastEventId: string): void {
    this.#record.gaps += 1
    this.#note('gap', `Events after ${lastEventId} are missing: ${reason}.`)
  }

  reconnecting(error: unknown): void {
    this.#record.status = 'reconnecting'
    this.#record.reconnects += 1
    this.#record.reason = errorText(error)
    this.#note('reconnecting', this.#record.reason)
  }

  /** Only the first end counts. */
  ended(status: 'complete' | 'unsubscribed'): void {
    this.#end(status, undefined)
  }

  /** Only the first end counts. */
  failed(error: unknown): void {
    this.#end('failed', errorText(error))
  }

  #end(status: SubscriptionStatus & EntryKind, reason: string | undefined): void {
    if (!this.#store.end(this.#record)) return
    this.#record.status = status
    this.#record.reason = reason ?? this.#record.reason
    this.#note(status, reason ?? '')
  }

  #note(kind: EntryKind, text: string): void {
    this.#store.note(kind, text, this.#record)
  }
}
