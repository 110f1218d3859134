import { isRealtimeError, RealtimeError, wait } from '@trpc-sse/protocol'
import type { RunParts } from './run-parts.ts'
import type { ResumeFrom } from './source.ts'

/** The state from which a producer continues. */
export interface Resumed {
  readonly resumeFrom: ResumeFrom<unknown>
  /** The id of the last delta that the value includes. */
  readonly after: string
}

/** How many times a standby asks for its turn during one lease. */
const asksPerLease = 4

/**
 * Waits until a run has no producer, and makes the owner of the token its producer. Returns the
 * number of the run's deltas; or `'alreadyEnded'` if it has ended; or `'alreadyRunning'` if the
 * channels were closed meanwhile, or another call waits. Each run has one such standby in a
 * process, so a client that repeats its request causes no more reads.
 *
 * Goes on waiting while the backend is unavailable. Rejects with other errors of the backend.
 */
export async function waitForTurn(
  options: RunParts,
  token: string,
): Promise<number | 'alreadyEnded' | 'alreadyRunning'> {
  const { clock, definition, log, producers, standbys } = options
  if (standbys.has(log.key)) return 'alreadyRunning'
  const closing = new AbortController()
  const leave = async (): Promise<void> => closing.abort()
  producers.add(leave)
  standbys.add(log.key)
  try {
    while (!closing.signal.aborted) {
      const run = await askForTurn(options, token)
      if (run === undefined) return 'alreadyEnded'
      if ('deltas' in run) return run.deltas
      if (run.status !== 'running') return 'alreadyEnded'
      await wait(clock, definition.leaseMs / asksPerLease, closing.signal)
    }
    return 'alreadyRunning'
  } finally {
    producers.delete(leave)
    standbys.delete(log.key)
  }
}

async function askForTurn(
  { runLog }: RunParts,
  token: string,
): ReturnType<RunParts['runLog']['takeOver']> {
  try {
    return await runLog.takeOver(token)
  } catch (error) {
    // A standby outlasts outages.
    if (isUnavailable(error)) return { status: 'running' }
    throw error
  }
}

/** Whether an error only says that the backend didn't answer. */
export function isUnavailable(error: unknown): boolean {
  return isRealtimeError(error) && error.retryable
}

/** Reads the state of a run that was taken over. Rejects with `GAP` if deltas were lost. */
export async function readResumed(
  { readValue, runLog }: RunParts,
  deltas: number,
): Promise<Resumed> {
  if (!readValue) {
    const { lastEventId } = await runLog.read()
    return { resumeFrom: { value: undefined, deltas }, after: lastEventId }
  }
  const { value, after, presence } = await readValue()
  if (presence !== 'lost') return { resumeFrom: { value, deltas }, after }
  const message = 'Deltas of the run were lost, so no producer can take it over. Start another run.'
  throw new RealtimeError('GAP', message)
}
