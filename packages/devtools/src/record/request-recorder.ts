import { createDecoder, type Decoder, multiplexedEvents } from '@trpc-sse/protocol'
import type { RecordStore, RequestRecord, Writable } from './records.ts'

/** Records one request, and the frames of its answer. */
export class RequestRecorder {
  readonly #store: RecordStore
  readonly #record: Writable<RequestRecord>
  #decoder: Decoder | undefined

  constructor(store: RecordStore, record: RequestRecord) {
    this.#store = store
    this.#record = record
    this.#store.note('request', this.#title)
  }

  get number(): number {
    return this.#record.number
  }

  /** The answer is a stream. */
  opened(httpStatus: number): void {
    this.#record.status = 'open'
    this.#record.httpStatus = httpStatus
    this.#store.note('opened', `${this.#title}: ${httpStatus}`)
    const { number } = this.#record
    this.#decoder = createDecoder({
      onMessage: ({ event, data, id }) =>
        this.#store.frame(number, event, withoutSecret(event, data), id),
      onComment: () => this.#store.frame(number, 'comment', ''),
      onRetry: (ms) => this.#store.frame(number, 'retry', `${ms} ms`),
    })
  }

  received(chunk: Uint8Array): void {
    this.#record.bytes += chunk.byteLength
    this.#store.changed()
    try {
      this.#decoder?.push(chunk)
    } catch {
      // The client link ends the stream with this error.
      this.#decoder = undefined
    }
  }

  /** Only the first end counts. */
  ended(how: string, httpStatus: number | undefined = this.#record.httpStatus): void {
    if (this.#record.status === 'over') return
    this.#record.status = 'over'
    this.#record.httpStatus = httpStatus
    this.#record.end = how
    this.#decoder = undefined
    this.#store.note('ended', `${this.#title}: ${how}`)
  }

  get #title(): string {
    return `${this.#record.method} ${this.#record.path} #${this.#record.number}`
  }
}

/** Returns the data of a message without the id that gives control over the stream. */
function withoutSecret(event: string, data: string): string {
  if (event !== multiplexedEvents.connected) return data
  return data.replace(/("connectionId":\s*)"[^"]*"/, '$1"…"')
}
