import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { notify } from './notifications.ts'
import { pause, untilBackendAnswers } from './repeat.ts'
import { stopping } from './stopping.ts'
import { procedure, router } from './trpc.ts'

const job = z.object({ jobId: z.string() })
const stepMs = 130
const stages = [
  'Reading orders',
  'Joining customers',
  'Summing up',
  'Drawing charts',
  'Writing the report',
]
const total = 40

export const jobsRouter = router({
  /** Starts a report. Its progress is followed by the id that this returns. */
  start: procedure.mutation(async () => {
    const jobId = randomUUID()
    await publishStep(jobId, 0)
    run(jobId).catch((error: unknown) => console.error(`Job ${jobId} failed`, error))
    return { jobId }
  }),

  /** All progress from the beginning, whenever one looks. */
  onProgress: procedure
    .input(job)
    .subscription((opts) => channels.jobs(opts.input).subscribe({ ...opts, replay: 'all' })),

  idsAfter: procedure
    .input(job.extend(afterInput.shape))
    .query(({ input: { jobId, after } }) => idsAfter(channels.jobs({ jobId }), after, 200)),
})

async function run(jobId: string): Promise<void> {
  for (let done = 1; done <= total && !stopping.aborted; done += 1) {
    await pause(stepMs, stopping)
    await untilBackendAnswers(() => publishStep(jobId, done), stopping)
  }
  await untilBackendAnswers(() => notify(`Report ${jobId.slice(0, 4)} is ready`, jobId), stopping)
}

/** The key makes it harmless to publish a step again when the answer to the first try was lost. */
async function publishStep(jobId: string, done: number): Promise<void> {
  const doing = done === total ? 'Done' : (stages[Math.floor((done / total) * stages.length)] ?? '')
  await channels
    .jobs({ jobId })
    .publish({ done, total, doing, at: new Date() }, { idempotencyKey: `step-${done}` })
}
