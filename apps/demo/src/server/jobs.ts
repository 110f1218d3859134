import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { channels } from './channels.ts'
import { notify } from './notifications.ts'
import { pause, untilBackendAnswers } from './repeat.ts'
import { stopping } from './stopping.ts'
import { procedure, router } from './trpc.ts'

const job = z.object({ jobId: z.uuid() })
const stepMs = 130
const stages = ['Read orders', 'Join customers', 'Sum up', 'Draw charts', 'Write the report']
const steps = 40

export const jobsRouter = router({
  /** Starts a report. Clients follow its progress by the id that this returns. */
  start: procedure.mutation(() => {
    const jobId = randomUUID()
    // Not awaited: the mutation returns, and the job continues.
    produce(jobId).catch((error: unknown) => console.error(`Job ${jobId} failed`, error))
    return { jobId }
  }),

  /** The progress so far, then each step. Completes when the job ends. */
  onProgress: procedure.input(job).subscription((opts) => channels.jobs(opts.input).follow(opts)),
})

async function produce(jobId: string): Promise<void> {
  const { status, error } = await channels.jobs({ jobId }).produce(({ signal }) => work(signal))
  if (status === 'failed') throw error
  if (status !== 'completed') return
  await untilBackendAnswers(() => notify(`Report ${jobId.slice(0, 4)} is ready`, jobId), stopping)
}

async function* work(signal: AbortSignal) {
  for (let step = 1; step <= steps; step += 1) {
    await pause(stepMs, signal)
    const stage =
      stages[Math.min(stages.length - 1, Math.floor((step / steps) * stages.length))] ?? ''
    yield { step, steps, stage }
  }
}
