import { randomUUID } from 'node:crypto'
import { tracked } from '@trpc/server'
import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput } from './ids-after.ts'
import { notify } from './notifications.ts'
import { pause, untilBackendAnswers } from './repeat.ts'
import { stopping } from './stopping.ts'
import { procedure, router } from './trpc.ts'

const job = z.object({ jobId: z.string() })
const stepMs = 130
const stages = ['Read orders', 'Join customers', 'Sum up', 'Draw charts', 'Write the report']
const steps = 40

export const jobsRouter = router({
  /** Starts a report. Clients follow its progress by the id that this returns. */
  start: procedure.mutation(async () => {
    const jobId = randomUUID()
    await publishProgress(jobId, 0)
    run(jobId).catch((error: unknown) => console.error(`Job ${jobId} failed`, error))
    return { jobId }
  }),

  /** All progress from the beginning, even for late joiners. Completes when the job ends. */
  onProgress: procedure.input(job).subscription(async function* (opts) {
    const events = channels.jobs(opts.input).subscribe({ ...opts, replay: 'all' })
    for await (const [id, event] of events) {
      // Never sent: a client that missed the completion resumes before it, and completes then.
      if (event.type === 'done') return
      yield tracked(id, event)
    }
  }),

  idsAfter: procedure
    .input(job.extend(afterInput.shape))
    .query(async ({ input: { jobId, after } }) => {
      const handle = channels.jobs({ jobId })
      const { events } = await handle.history(after === undefined ? { last: 200 } : { after })
      return events.filter(({ data }) => data.type === 'progress').map(({ id }) => id)
    }),
})

async function run(jobId: string): Promise<void> {
  for (let step = 1; step <= steps && !stopping.aborted; step += 1) {
    await pause(stepMs, stopping)
    await untilBackendAnswers(() => publishProgress(jobId, step), stopping)
  }
  await untilBackendAnswers(() => publishDone(jobId), stopping)
  await untilBackendAnswers(() => notify(`Report ${jobId.slice(0, 4)} is ready`, jobId), stopping)
}

/** Publishes a step. The key makes retries harmless if the first answer was lost. */
async function publishProgress(jobId: string, step: number): Promise<void> {
  const stage =
    stages[Math.min(stages.length - 1, Math.floor((step / steps) * stages.length))] ?? ''
  await channels
    .jobs({ jobId })
    .publish(
      { type: 'progress', step, steps, stage, at: new Date() },
      { idempotencyKey: `${step}` },
    )
}

async function publishDone(jobId: string): Promise<void> {
  await channels.jobs({ jobId }).publish({ type: 'done' }, { idempotencyKey: 'done' })
}
