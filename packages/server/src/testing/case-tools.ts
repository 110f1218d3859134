import assert from 'node:assert/strict'
import type { EventId } from '@trpc-sse/protocol'
import type {
  Backend,
  ChannelLog,
  LogListener,
  LogPage,
  Retention,
  StoredEvent,
} from '../backend/backend.ts'
import { type BackendCaseContext, withBackends } from './backend-case.ts'

/** A retention that is larger than any case needs. */
export const plenty: Retention = { events: 100_000, forMs: 600_000 }

/** Returns a log that no case has used. */
export function newLog(context: BackendCaseContext, retain: Retention = plenty): ChannelLog {
  return { key: context.uniqueKey(), retain }
}

/** Runs a case with one backend and one new log. */
export function withLog(
  run: (backend: Backend, log: ChannelLog) => Promise<void>,
): (context: BackendCaseContext) => Promise<void> {
  return (context) => withBackends(context, 1, (backends) => run(one(backends), newLog(context)))
}

/** Runs a case with two backends, like two processes, and one new log. */
export function withTwo(
  run: (first: Backend, second: Backend, log: ChannelLog) => Promise<void>,
): (context: BackendCaseContext) => Promise<void> {
  return (context) =>
    withBackends(context, 2, ([first, second]) =>
      run(defined(first), defined(second), newLog(context)),
    )
}

/** Reads all retained events. */
export function readAll(backend: Backend, log: ChannelLog): Promise<LogPage> {
  return backend.read(log, { after: '0-0', limit: 1_000_000 })
}

/** Returns the payloads `"<name> 0"`, `"<name> 1"`, and so on. */
export function payloads(count: number, name = 'event'): string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify(`${name} ${i}`))
}

/** Returns the payloads of events. */
export function dataOf(events: readonly StoredEvent[]): string[] {
  return events.map((event) => event.data)
}

/** Returns the ids of events. */
export function idsOf(events: readonly StoredEvent[]): EventId[] {
  return events.map((event) => event.id)
}

/**
 * Asserts that the `prev` of each event is the id before it, and that of the first one `origin`.
 */
export function assertLinked(events: readonly StoredEvent[], origin: EventId): void {
  let prev = origin
  for (const event of events) {
    assert.equal(event.prev, prev, `${event.id} follows ${prev}`)
    prev = event.id
  }
}

/** Returns a value that must not be undefined. */
export function defined<T>(value: T | undefined): T {
  assert.notEqual(value, undefined)
  return value as T
}

/** Returns the first item of a list. */
export function one<T>(list: readonly T[]): T {
  return defined(list[0])
}

/** A listener that records its calls. */
export interface Recorder extends LogListener {
  readonly events: readonly StoredEvent[]
  readonly notices: readonly string[]
  readonly interruptions: number
  /** Resolves when an event with this payload was hinted. */
  heard(data: string): Promise<void>
  /** Resolves after a number of interruptions. */
  interrupted(times: number): Promise<void>
}

/** The time that a case waits for an expected effect, in milliseconds. */
const patienceMs = 10_000

/**
 * Waits for a promise. Rejects if that takes too long. `what` describes the promise in the error.
 */
export async function withPatience<T>(what: string, coming: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`This never came: ${what}`)), patienceMs)
  })
  try {
    return await Promise.race([coming, never])
  } finally {
    clearTimeout(timer)
  }
}

/** Creates a {@link Recorder}. */
export function createRecorder(): Recorder {
  const events: StoredEvent[] = []
  const notices: string[] = []
  const waiting = new Set<() => void>()
  let interruptions = 0
  const wake = (): void => {
    for (const check of waiting) check()
  }
  const when = (what: string, isSo: () => boolean): Promise<void> =>
    withPatience(
      what,
      new Promise((resolve) => {
        const check = (): void => {
          if (!isSo()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    )
  return {
    events,
    notices,
    get interruptions() {
      return interruptions
    },
    onEvent(event) {
      events.push(event)
      wake()
    },
    onNotice(text) {
      notices.push(text)
      wake()
    },
    onInterrupted() {
      interruptions++
      wake()
    },
    heard: (data) => when(`the event ${data}`, () => events.some((event) => event.data === data)),
    interrupted: (times) => when(`interruption ${times}`, () => interruptions >= times),
  }
}

/** Repeats a call until its answer is right, for effects of time that cause no notification. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
): Promise<T> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    if (Date.now() > giveUpAt) throw new Error(`This never came right: ${JSON.stringify(answer)}`)
  }
}

/** Asserts that a promise rejects with an error of the given code. */
export async function assertRejects(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(
      error instanceof Error && 'code' in error,
      `an error with a code, not ${String(error)}`,
    )
    assert.equal(error.code, code)
    return true
  })
}
