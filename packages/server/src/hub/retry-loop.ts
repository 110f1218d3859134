import { type Clock, fullJitterMs, wait } from '@trpc-sse/protocol'
import type { Mutable } from '../mutable.ts'
import { detached } from '../user-code/async-context.ts'

/** Runs one task whenever asked, never twice at once, and again after a delay when it fails. */
export interface Runner {
  /** Runs the task; if it is running, once more after that. */
  request(): void
  readonly running: boolean
  /** Ends it: the task is not started again. */
  stop(): void
}

/** What a {@link createRunner} is made of. */
export interface RunnerOptions {
  /** Does the work. What it throws is reported, and it is tried again. */
  run(): Promise<void>
  onError(error: unknown): void
  /** Called each time the task has run and is not to run again. */
  onIdle?(): void
  readonly clock: Clock
}

const retryBaseMs = 100
const retryMaxMs = 5_000

/** Creates a runner of one task, which belongs to no request, whoever asks for it. Failures are retried with full jitter, from 100 ms up to 5 s. */
export function createRunner({ run, onError, onIdle, clock }: RunnerOptions): Runner {
  const stopped = new AbortController()
  let again = false

  async function loop(): Promise<void> {
    runner.running = true
    let failures = 0
    do {
      again = false
      try {
        await run()
        failures = 0
      } catch (error) {
        if (stopped.signal.aborted) break
        onError(error)
        again = true
        await wait(clock, fullJitterMs(clock, failures++, retryBaseMs, retryMaxMs), stopped.signal)
      }
    } while (again && !stopped.signal.aborted)
    runner.running = false
    if (!stopped.signal.aborted) onIdle?.()
  }

  const runner: Mutable<Runner> = {
    running: false,
    request() {
      again = true
      if (!runner.running && !stopped.signal.aborted) void detached(loop)
    },
    stop: () => stopped.abort(),
  }
  return runner
}
