import type { Clock } from '@trpc-sse/protocol'
import { unlessAborted } from './connection.ts'
import type { Fetch } from './fetch.ts'
import { type Endpoint, writeMultiplexedRequest } from './request.ts'

/** What control requests are made of. */
export interface ControlOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  /** How long one may take, and how long what it has asked for, in milliseconds. */
  readonly timeoutMs: number
  readonly endpoint: () => Promise<Endpoint>
  /** Whether the set of a stream is not what is wanted. */
  readonly differs: (stream: number) => boolean
  /** Writes the body that makes it that. */
  readonly write: (stream: number) => string
  /** Whether all that was asked for on the stream has started. */
  readonly isDone: (stream: number) => boolean
  /** The stream can't be relied on to have the set. Called once for each. */
  readonly onFailed: () => void
}

/** Control requests for one stream after the other: for each stream one at a time, each with the newest set. */
export interface Control {
  /** There is a new stream. */
  use(stream: number): void
  /** A stream is gone. */
  drop(stream: number): void
  /** What is wanted may have changed. */
  changed(): void
  /** Something has started. */
  started(): void
  /** The stream goes on, in spite of what failed. */
  resume(): void
}

interface Target {
  readonly stream: number
  readonly abort: AbortController
  isBusy: boolean
  hasFailed: boolean
  cancelTimer(): void
}

/** Creates the control of a set. */
export function createControl(options: ControlOptions): Control {
  let target: Target | undefined

  function fail(of: Target): void {
    if (of !== target || of.hasFailed) return
    of.hasFailed = true
    options.onFailed()
  }

  function changed(): void {
    if (target && !target.isBusy && !target.hasFailed && options.differs(target.stream)) void send(target)
  }

  async function send(to: Target): Promise<void> {
    to.isBusy = true
    const isSet = await post(options, to)
    to.isBusy = false
    if (to !== target) return
    if (!isSet) fail(to)
    else {
      expectStarts(to)
      changed()
    }
  }

  function expectStarts(of: Target): void {
    of.cancelTimer()
    if (options.isDone(of.stream)) return
    of.cancelTimer = options.clock.after(options.timeoutMs, () => fail(of))
  }

  function clear(): void {
    target?.cancelTimer()
    target?.abort.abort()
    target = undefined
  }

  return {
    use(stream) {
      clear()
      target = { stream, abort: new AbortController(), isBusy: false, hasFailed: false, cancelTimer() {} }
      changed()
    },
    drop(stream) {
      if (stream === target?.stream) clear()
    },
    changed,
    started() {
      if (target && options.isDone(target.stream)) target.cancelTimer()
    },
    resume() {
      if (target) target.hasFailed = false
    },
  }
}

/** Sends the newest set; says whether the stream has it. */
async function post(options: ControlOptions, { stream, abort }: Target): Promise<boolean> {
  const { signal } = abort
  const timeout = options.clock.after(options.timeoutMs, () => abort.abort())
  try {
    const endpoint = await unlessAborted(signal, options.endpoint())
    signal.throwIfAborted()
    const { url, ...request } = writeMultiplexedRequest(endpoint, options.write(stream))
    const response = await unlessAborted(
      signal,
      options.fetch(url, { ...request, signal, cache: 'no-store' }),
    )
    await unlessAborted(signal, response.text())
    return response.status === 200
  } catch {
    // Whatever it was: a new stream is always right.
    return false
  } finally {
    timeout()
  }
}
