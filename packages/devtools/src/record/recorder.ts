import type { Clock } from '@trpc-sse/protocol'
import { clipped, preview } from './preview.ts'
import type {
  EntryKind,
  FrameRecord,
  RecordStore,
  RequestRecord,
  SubscriptionRecord,
  TimelineEntry,
} from './records.ts'
import { RequestRecorder } from './request-recorder.ts'
import { Ring } from './ring.ts'
import { SubscriptionRecorder } from './subscription-recorder.ts'

const maxEntries = 1_000
const maxFrames = 1_000
const maxEnded = 100
const maxRequests = 100

/** Records what happens, in bounded memory: only running subscriptions are all kept. */
export class Recorder implements RecordStore {
  /** All running subscriptions, oldest first. */
  readonly running: ReadonlyMap<number, SubscriptionRecord>
  /** The subscriptions that ended last. */
  readonly ended: Ring<SubscriptionRecord> = new Ring(maxEnded)
  readonly requests: Ring<RequestRecord> = new Ring(maxRequests)
  readonly frames: Ring<FrameRecord> = new Ring(maxFrames)
  readonly timeline: Ring<TimelineEntry> = new Ring(maxEntries)
  readonly #clock: Clock
  readonly #running = new Map<number, SubscriptionRecord>()
  readonly #listeners = new Set<() => void>()
  readonly #last = { subscription: 0, request: 0, entry: 0, frame: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
    this.running = this.#running
  }

  /** Calls back after every change. Returns a function that removes the listener. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets what is over. */
  clear(): void {
    this.ended.clear()
    this.timeline.clear()
    this.frames.clear()
    const open = [...this.requests.newestFirst()].filter(({ status }) => status !== 'over')
    this.requests.clear()
    for (const request of open.toReversed()) this.requests.push(request)
    this.changed()
  }

  subscription(path: string, input: unknown): SubscriptionRecorder {
    this.#last.subscription += 1
    const record: SubscriptionRecord = {
      number: this.#last.subscription,
      path,
      input: input === undefined ? '' : preview(input),
      since: this.#clock.now(),
      status: 'connecting',
      lastEventId: undefined,
      events: 0,
      gaps: 0,
      reconnects: 0,
      reason: undefined,
    }
    this.#running.set(record.number, record)
    this.note('subscribed', record.input, record)
    return new SubscriptionRecorder(this, record)
  }

  request(method: string, path: string): RequestRecorder {
    this.#last.request += 1
    const record: RequestRecord = {
      number: this.#last.request,
      method,
      path,
      since: this.#clock.now(),
      status: 'waiting',
      httpStatus: undefined,
      bytes: 0,
      end: undefined,
    }
    this.requests.push(record)
    return new RequestRecorder(this, record)
  }

  note(kind: EntryKind, text: string, subscription?: SubscriptionRecord, id?: string): void {
    this.#last.entry += 1
    const at = this.#clock.now()
    this.timeline.push({ number: this.#last.entry, at, kind, subscription, id, text })
    this.changed()
  }

  frame(request: number, event: string, data: string, id?: string): void {
    this.#last.frame += 1
    const at = this.#clock.now()
    this.frames.push({
      number: this.#last.frame,
      at,
      request,
      event: clipped(event),
      id: id === undefined ? id : clipped(id),
      data: clipped(data),
    })
    this.changed()
  }

  end(record: SubscriptionRecord): boolean {
    if (!this.#running.delete(record.number)) return false
    this.ended.push(record)
    return true
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
