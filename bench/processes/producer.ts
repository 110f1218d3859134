/** A process that only produces an answer: `producer.ts <URL of Redis>`. */

import { setTimeout as pause } from 'node:timers/promises'
import { createTick, type Tick } from '../payload.ts'
import { createAnswers } from '../targets/ours-run.ts'
import { answerCalls } from './peer.ts'

/** The methods of the producer's process. */
export interface ProducerMethods {
  /** Produces an answer, to a run or to nowhere. Returns the time until its end. */
  produce(params: ProduceParams): Promise<{ elapsedMs: number }>
}

/** The answer, and its pace. */
export interface ProduceParams {
  readonly to: 'run' | 'nowhere'
  readonly deltas: number
  readonly perSecond: number
  readonly bytes: number
}

const channels = createAnswers(process.argv[2])
let answers = 0

answerCalls<ProducerMethods>({
  async produce({ to, ...params }) {
    const answer = channels.answer(`${answers++}`)
    // Connects to Redis.
    await answer.status()
    const startMs = performance.now()
    if (to === 'run') {
      const { status } = await answer.produce(() => answerOf(params, startMs))
      if (status !== 'completed') throw new Error(`The run is ${status}`)
    } else for await (const _ of answerOf(params, startMs));
    return { elapsedMs: performance.now() - startMs }
  },
})

async function* answerOf(
  { deltas, perSecond, bytes }: Omit<ProduceParams, 'to'>,
  startMs: number,
): AsyncGenerator<Tick> {
  for (let n = 1; n <= deltas; n++) {
    await pause(Math.max(0, startMs + (n * 1_000) / perSecond - performance.now()))
    yield createTick(n, bytes)
  }
}
