import { type Backend, createChannels, memoryBackend, run } from '@trpc-sse/server'
import { z } from 'zod'
import { manualClock } from './manual-clock.ts'
import { inTime, passed } from './runs.ts'

/** A backend with entries, which each built-in backend is. */
export type BackendWithEntries = Backend & Required<Pick<Backend, 'change' | 'entries'>>

/** Creates a memory backend, whose methods a test can replace. */
export function entriesBackend(options: Parameters<typeof memoryBackend>[0]): BackendWithEntries {
  const { change, entries, ...backend } = memoryBackend(options)
  if (!change || !entries) throw new Error('The memory backend has no entries.')
  return { ...backend, change, entries }
}

/** Combines texts into one. */
export const textFold = { initial: '', apply: (text: string, delta: string) => text + delta }

/** Creates runs of texts: with a fold, without one, and with four retained deltas. */
export function createTextRuns(
  change: (backend: BackendWithEntries) => Backend = (backend) => backend,
) {
  const clock = manualClock()
  const backend = entriesBackend({ clock })
  const options = { params: z.string(), event: z.string(), keepForMs: 60_000 }
  const channels = createChannels({
    backend: change(backend),
    clock,
    onError() {},
    channels: {
      answer: run({ ...options, fold: textFold }),
      job: run(options),
      short: run({ ...options, fold: textFold, retainEvents: 4 }),
    },
  })
  return {
    clock,
    backend,
    channels,
    /** Lets time pass until a promise settles. */
    inTime: <T>(work: Promise<T>, stepMs?: number): Promise<T> => inTime(clock, work, stepMs),
    /** Lets time pass. */
    passed: (ms: number, stepMs?: number): Promise<void> =>
      inTime(clock, passed(clock, ms), stepMs),
  }
}

/** The kinds of these runs: with a fold, and without one. */
export const kinds = ['answer', 'job'] as const

/** The items that followers get. */
export const caughtUp = { type: 'caught-up' }
export const completed = { type: 'end', status: 'completed' }
export const delta = (data: string) => ({ type: 'delta', data })
export const folded = (value: string) => ({ type: 'fold', value })

/** A source of texts. */
export async function* words(...texts: string[]) {
  yield* texts
}
