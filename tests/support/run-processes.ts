import { createChannels, run } from '@trpc-sse/server'
import { z } from 'zod'
import { manualClock } from './manual-clock.ts'
import { inTime, passed, scriptedSource } from './runs.ts'
import { seededRandom } from './seeded-random.ts'
import { entriesBackend, textFold } from './text-runs.ts'

/** The lease of these runs, and the time that they wait for another producer. */
export const leaseMs = 1_000

/** An error of a backend that was built with another copy of the packages. */
const unavailable = Object.assign(new Error('No answer.'), {
  name: 'RealtimeError',
  code: 'BACKEND_UNAVAILABLE',
  retryable: true,
})

const options = {
  event: z.string(),
  leaseMs,
  onAbandoned: 'takeOver',
  takeOverMs: leaseMs,
} as const

const listFold = {
  initial: [] as string[],
  apply: (list: string[], delta: string) => [...list, delta],
}

/** Creates processes on one backend, with runs that another producer can take over. */
export function createRunProcesses() {
  // Each producer needs a token of its own.
  const clock = { ...manualClock(), random: seededRandom(1) }
  const backend = entriesBackend({ clock })
  return {
    inTime: <T>(work: Promise<T>): Promise<T> => inTime(clock, work),
    passed: (ms: number): Promise<void> => inTime(clock, passed(clock, ms)),
    startProcess() {
      let frozen: Promise<void> | undefined
      let thaw = (): void => {}
      let isUnavailable = false
      const channels = createChannels({
        clock,
        backend: {
          ...backend,
          close: async () => {},
          async entries(...call) {
            if (isUnavailable) throw unavailable
            return await backend.entries(...call)
          },
          async change(...call) {
            await frozen
            return await backend.change(...call)
          },
        },
        channels: {
          answer: run({ ...options, fold: textFold }),
          short: run({ ...options, fold: textFold, retainEvents: 4, rollupMs: 0 }),
          list: run({ ...options, fold: listFold, rollupMs: 0 }),
          job: run(options),
        },
      })
      return {
        channels,
        /** Makes reads of the backend fail until it is called with `false`. */
        setUnavailable(value: boolean): void {
          isUnavailable = value
        },
        /** Freezes the process: nothing that it stores arrives until it thaws. */
        freeze(): void {
          frozen = new Promise((resolve) => {
            thaw = resolve
          })
        },
        thaw: () => thaw(),
      }
    },
  }
}

/** Starts a run in the first of two processes, which has stored the delta `a`. */
export async function startRun(kind: 'answer' | 'short' | 'list' | 'job') {
  const { startProcess, ...time } = createRunProcesses()
  const [first, second] = [startProcess(), startProcess()]
  const [one, two] = [scriptedSource(), scriptedSource()]
  const producing = first.channels[kind]().produce(one.source)
  one.say('a')
  await time.passed(500)
  return {
    ...time,
    startProcess,
    first,
    second,
    /** The source in the first process, and one for the second. */
    one,
    two,
    /** The call in the first process. */
    producing,
    /** The run in the second process. */
    run: second.channels[kind](),
  }
}
