import { TRPCError } from '@trpc/server'
import { isRealtimeError, wait } from '@trpc-sse/server'
import { type Delta, plannedFailure } from './app.ts'
import type { Instance } from './instance.ts'
import type { Trace } from './trace.ts'

/** A run that may be produced, by several instances. */
export interface PlannedRun {
  readonly name: string
  /** Whether another instance continues it. */
  readonly path: 'answer' | 'job'
  /** How many deltas it has, and how far apart. */
  readonly deltas: number
  readonly everyMs: number
  readonly isFailing: boolean
}

/** One call of `produce`, and what became of it. */
export interface Produced {
  readonly run: PlannedRun
  readonly by: number
  readonly instance: Instance
  /** When its source was called first. */
  startedAtMs: number | undefined
  /** Whether its source has yielded everything. */
  hasEnded: boolean
  /** What it resolved with, or the code that it rejected with. */
  result: string | undefined
}

/** Produces and stops runs, and knows what became of it. */
export class Producers {
  readonly calls: Produced[] = []
  /** The runs that somebody wanted to stop. */
  readonly stopped: Set<string> = new Set()
  readonly #trace: Trace

  constructor(trace: Trace) {
    this.#trace = trace
  }

  produce(run: PlannedRun, instance: Instance): void {
    const by = this.calls.length + 1
    const call: Produced = {
      run,
      by,
      instance,
      startedAtMs: undefined,
      hasEnded: false,
      result: undefined,
    }
    this.calls.push(call)
    const { process, channels } = instance
    process.arrive(0, () => {
      channels[run.path]({ name: run.name })
        .produce(({ signal, resumeFrom }) => this.#source(call, resumeFrom?.deltas ?? 0, signal))
        .then(
          ({ status }) => this.#settled(call, status),
          (error: unknown) =>
            this.#settled(call, isRealtimeError(error) ? error.code : String(error)),
        )
    })
  }

  stop({ name, path }: PlannedRun, { process, channels }: Instance): void {
    this.stopped.add(name)
    process.arrive(0, () => {
      channels[path]({ name })
        .stop()
        .catch(() => {})
    })
  }

  async *#source(call: Produced, from: number, signal: AbortSignal): AsyncGenerator<Delta> {
    const { run, by, instance } = call
    const { clock } = instance.process
    call.startedAtMs ??= this.#trace.nowMs
    this.#trace.add(instance.process.name, `produces ${run.name} from ${from}`)
    instance.generators.open += 1
    try {
      for (let n = from; n < run.deltas && !signal.aborted; n++) {
        yield { n, by }
        await wait(clock, run.everyMs, signal)
      }
      if (run.isFailing) throw new TRPCError({ code: 'BAD_REQUEST', message: plannedFailure })
      call.hasEnded = true
    } finally {
      instance.generators.open -= 1
    }
  }

  #settled(call: Produced, result: string): void {
    const { process } = call.instance
    if (process.hasCrashed) return
    call.result = result
    this.#trace.add(process.name, `produce of ${call.run.name}: ${result}`)
  }
}
