import type { Clock } from '@trpc-sse/protocol'
import { errorText, preview } from './preview.ts'
import type {
  EntryKind,
  RequestRecord,
  SubscriptionRecord,
  SubscriptionStatus,
  TimelineEntry,
} from './records.ts'
import { Ring } from './ring.ts'

/** How much is kept. */
const maxEntries = 1_000
const maxEnded = 100
const maxRequests = 100

type Changing<TRecord> = { -readonly [TKey in keyof TRecord]: TRecord[TKey] }

/** A subscription that is being recorded. */
export interface SubscriptionRecorder {
  started(): void
  event(id: string | undefined, data: unknown): void
  gap(reason: string, lastEventId: string): void
  reconnecting(error: unknown): void
  /** Only the first end counts. */
  ended(status: 'complete' | 'unsubscribed'): void
  failed(error: unknown): void
}

/** A request that is being recorded. */
export interface RequestRecorder {
  readonly number: number
  /** The answer is a stream. */
  opened(httpStatus: number): void
  received(bytes: number): void
  /** Only the first end counts. */
  ended(how: string, httpStatus?: number): void
}

/** Records what happens, in bounded memory: only running subscriptions are all kept. */
export class Recorder {
  readonly #clock: Clock
  readonly #running = new Map<number, SubscriptionRecord>()
  readonly #ended = new Ring<SubscriptionRecord>(maxEnded)
  readonly #requests = new Ring<RequestRecord>(maxRequests)
  readonly #timeline = new Ring<TimelineEntry>(maxEntries)
  readonly #listeners = new Set<() => void>()
  #subscriptions = 0
  #sent = 0
  #entries = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** All running subscriptions, oldest first. */
  get running(): ReadonlyMap<number, SubscriptionRecord> {
    return this.#running
  }

  /** The subscriptions that ended last. */
  get ended(): Ring<SubscriptionRecord> {
    return this.#ended
  }

  get requests(): Ring<RequestRecord> {
    return this.#requests
  }

  get timeline(): Ring<TimelineEntry> {
    return this.#timeline
  }

  /** Calls back after every change. Returns a function that removes the listener. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets what is over. */
  clear(): void {
    this.#ended.clear()
    this.#timeline.clear()
    const open = [...this.#requests.newestFirst()].filter(({ status }) => status !== 'over')
    this.#requests.clear()
    for (const request of open.toReversed()) this.#requests.push(request)
    this.#changed()
  }

  subscription(path: string, input: unknown): SubscriptionRecorder {
    this.#subscriptions += 1
    const record: Changing<SubscriptionRecord> = {
      number: this.#subscriptions,
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
    const end = (status: SubscriptionStatus & EntryKind, text: string): void => {
      if (!this.#running.delete(record.number)) return
      record.status = status
      this.#ended.push(record)
      this.note(status, text, record)
    }
    return {
      started: () => {
        record.status = 'live'
        this.note('started', '', record)
      },
      event: (id, data) => {
        record.events += 1
        record.lastEventId = id ?? record.lastEventId
        this.note('event', preview(data), record, id)
      },
      gap: (reason, lastEventId) => {
        record.gaps += 1
        this.note('gap', `Events after ${lastEventId} are missing: ${reason}.`, record)
      },
      reconnecting: (error) => {
        record.status = 'reconnecting'
        record.reconnects += 1
        record.reason = errorText(error)
        this.note('reconnecting', record.reason, record)
      },
      ended: (status) => end(status, ''),
      failed: (error) => {
        record.reason = errorText(error)
        end('failed', record.reason)
      },
    }
  }

  request(method: string, path: string): RequestRecorder {
    this.#sent += 1
    const record: Changing<RequestRecord> = {
      number: this.#sent,
      method,
      path,
      since: this.#clock.now(),
      status: 'waiting',
      httpStatus: undefined,
      bytes: 0,
      end: undefined,
    }
    const title = `${method} ${path} #${record.number}`
    this.#requests.push(record)
    this.note('request', title)
    return {
      number: record.number,
      opened: (httpStatus) => {
        Object.assign(record, { status: 'open', httpStatus })
        this.note('opened', `${title}: ${httpStatus}`)
      },
      received: (bytes) => {
        record.bytes += bytes
        this.#changed()
      },
      ended: (how, httpStatus = record.httpStatus) => {
        if (record.status === 'over') return
        Object.assign(record, { status: 'over', httpStatus, end: how })
        this.note('ended', `${title}: ${how}`)
      },
    }
  }

  /** Adds an entry to the timeline. */
  note(kind: EntryKind, text: string, subscription?: SubscriptionRecord, id?: string): void {
    this.#entries += 1
    const at = this.#clock.now()
    this.#timeline.push({ number: this.#entries, at, kind, subscription, id, text })
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
