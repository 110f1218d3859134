import { Histogram } from './histogram.ts'

/** What happened since the start, or since the last row of the table. */
export interface Counts {
  events: number
  gaps: number
  repeats: number
  reconnects: number
  /** Subscriptions that ended with an error. */
  failed: number
}

/** The causes that are told apart. Further ones count as one. */
const mostCauses = 20

/** Counts what all clients see. */
export class Tally {
  readonly total: Counts = noCounts()
  readonly latency: Histogram = new Histogram()
  /** The latencies since the last row. */
  readonly recent: Histogram = new Histogram()
  /** The clients that have a stream now. */
  connected = 0
  /** The clients that have had a stream. */
  everConnected = 0
  /** By how much events came before they were stored, at most: the clocks differ. */
  earlyMs = 0
  readonly #causes = new Map<string, number>()

  add(what: keyof Counts): void {
    this.total[what]++
  }

  addLatency(ms: number): void {
    this.earlyMs = Math.max(this.earlyMs, -ms)
    this.latency.add(ms)
    this.recent.add(ms)
  }

  /** Counts a failure by its message. */
  addCause(error: unknown): void {
    const message = describeError(error)
    const isKnown = this.#causes.has(message) || this.#causes.size < mostCauses
    const cause = isKnown ? message : 'other failures'
    this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + 1)
  }

  /** The causes of failures and how often each was seen, the most frequent first. */
  get causes(): ReadonlyArray<readonly [cause: string, count: number]> {
    return [...this.#causes].sort(([, a], [, b]) => b - a)
  }
}

/** Returns the message of an error, and that of the error which caused all others. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  let first = error
  for (let i = 0; i < mostCauses && first.cause instanceof Error; i++) first = first.cause
  const { message } = error
  return first.message === '' || message.includes(first.message)
    ? message
    : `${message} (${first.message})`
}

function noCounts(): Counts {
  return { events: 0, gaps: 0, repeats: 0, reconnects: 0, failed: 0 }
}
