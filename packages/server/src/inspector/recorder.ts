import {
  type Clock,
  elapsedTime,
  eventTimeMs,
  isEventId,
  type TraceFacts,
  type TraceStep,
} from '@trpc-sse/protocol'
import type { Tracer } from '../user-code/tracer.ts'
import { short } from './bounds.ts'
import type { StepRow, StepsAnswer } from './messages.ts'

/** The time after the last question for which steps are recorded, in milliseconds. */
const watchedMs = 10_000
/** The maximum number of recorded steps. */
const maxSteps = 1_000
/** The maximum number of steps in one answer. */
const maxAnswer = 200
/** The maximum number of steps that are recorded each second, of the frequent ones and of others. */
const maxPerSecond = 100

/** The steps that each event causes, some of them once for each client. */
const frequent: ReadonlySet<TraceStep> = new Set(['heard', 'windowed', 'framed', 'sent', 'read'])

/** Records the newest steps, only while somebody asks for them. */
export class Recorder {
  readonly #tracer: Tracer
  readonly #clock: Clock
  readonly #elapsedMs: () => number
  #unwatch: (() => void) | undefined
  #askedAtMs = 0
  #steps: StepRow[] = []
  /** The number of the step after the last one. */
  #next = 0
  #skipped = 0
  #secondEndsAtMs = 0
  #counts = { frequent: 0, others: 0 }

  constructor(tracer: Tracer, clock: Clock) {
    this.#tracer = tracer
    this.#clock = clock
    this.#elapsedMs = elapsedTime(clock)
  }

  /** Whether steps are being recorded. */
  get isRecording(): boolean {
    return this.#unwatch !== undefined
  }

  /** Returns the steps from a number on, and records those that follow. */
  since(since: number): StepsAnswer {
    this.#askedAtMs = this.#elapsedMs()
    if (!this.#unwatch) this.#begin()
    const first = this.#next - this.#steps.length
    // A number that is too high comes from an instance that has restarted.
    const from = since > this.#next ? first : Math.max(since, first, this.#next - maxAnswer)
    const missed = since > 0 && since < from ? from - since : 0
    const skipped = this.#skipped + missed
    this.#skipped = 0
    return { steps: this.#steps.slice(from - first), next: this.#next, skipped }
  }

  #begin(): void {
    this.#unwatch = this.#tracer.watch((step, facts) => this.#record(step, facts))
    this.#scheduleEnd(watchedMs)
  }

  #scheduleEnd(afterMs: number): void {
    this.#clock.after(afterMs, () => {
      const leftMs = this.#askedAtMs + watchedMs - this.#elapsedMs()
      if (leftMs > 0) this.#scheduleEnd(leftMs)
      else this.#end()
    })
  }

  #end(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#steps = []
  }

  #record<TStep extends TraceStep>(step: TStep, facts: TraceFacts[TStep]): void {
    if (!this.#hasRoom(frequent.has(step) ? 'frequent' : 'others')) {
      this.#skipped += 1
      return
    }
    this.#steps.push(toRow(step, facts, this.#clock.now()))
    this.#next += 1
    if (this.#steps.length > maxSteps) this.#steps = this.#steps.slice(-maxSteps / 2)
  }

  #hasRoom(kind: 'frequent' | 'others'): boolean {
    const nowMs = this.#elapsedMs()
    if (nowMs >= this.#secondEndsAtMs) {
      this.#secondEndsAtMs = nowMs + 1_000
      this.#counts = { frequent: 0, others: 0 }
    }
    this.#counts[kind] += 1
    return this.#counts[kind] <= maxPerSecond
  }
}

function toRow(step: TraceStep, facts: object, at: number): StepRow {
  const { log, channel, id, ids, stream, path, key: _, ...others } = facts as Facts
  const named = log ?? channel
  const many = Array.isArray(ids) ? ids : []
  const late = typeof id === 'string' ? latenessOf(id, at) : undefined
  return {
    at,
    step,
    log: typeof named === 'string' ? short(named, 1_100) : undefined,
    id: textOf(id ?? many[0]),
    stream: typeof stream === 'number' ? stream : undefined,
    path: textOf(path),
    detail: short(
      [
        ...(many.length > 1 ? [`${many.length} events`] : []),
        ...(late === undefined ? [] : [late]),
        ...Object.entries(others)
          .filter(([, value]) => value !== undefined)
          .map(pair),
      ].join(', '),
    ),
  }
}

type Facts = Readonly<Record<string, unknown>>

/** Says how long ago an event was stored, if that is a second or longer. */
function latenessOf(id: string, at: number): string | undefined {
  const seconds = isEventId(id) ? Math.floor((at - eventTimeMs(id)) / 1_000) : 0
  return seconds < 1 ? undefined : `${seconds} s after it was stored`
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? short(value) : undefined
}

function pair([name, value]: readonly [string, unknown]): string {
  const text = typeof value === 'number' ? String(Math.round(value * 10) / 10) : String(value)
  return `${name} ${short(text, 100)}`
}
