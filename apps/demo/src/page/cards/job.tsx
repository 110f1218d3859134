import { useRun } from '@trpc-sse/react'
import { useState } from 'react'
import { folds } from '../../shared/folds.ts'
import { trpc } from '../live/client.ts'
import { runSubscription } from '../live/run-subscription.ts'
import { ActionButton, Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { CheckIcon } from '../ui/icons.tsx'
import { useAction } from '../ui/use-action.ts'

/** A long job on the server, and its progress. */
export function Job() {
  const [jobId, setJobId] = useState<string>()
  const start = useAction(async () => {
    const { jobId } = await trpc.jobs.start.mutate()
    setJobId(jobId)
  })

  const button = (
    <ActionButton action={start}>
      {jobId === undefined ? 'Start a report' : 'Start another'}
    </ActionButton>
  )
  return (
    <Card title="Long job" className="job" aside={button}>
      {jobId === undefined ? <NoJob /> : <Progress jobId={jobId} />}
      <Problem>{start.hasFailed && 'Not started. Try again when the server is back.'}</Problem>
    </Card>
  )
}

function NoJob() {
  return (
    <div className="progress">
      <p className="progress-words">
        <span>A report, in five seconds</span>
      </p>
      <progress value={0} max={1} aria-hidden="true" />
      <p className="hint">Its subscription sends all progress, then completes.</p>
    </div>
  )
}

function Progress({ jobId }: { readonly jobId: string }) {
  const { value = folds.job.initial, status } = useRun(
    runSubscription({
      path: 'jobs.onProgress',
      procedure: trpc.jobs.onProgress,
      input: { jobId },
    }),
    folds.job,
  )
  const { step, steps, stage } = value
  const name = `Report ${jobId.slice(0, 4)}`
  if (status === 'abandoned' || status === 'failed' || status === 'error')
    return <p className="hint">{name} was lost with its server. Start another.</p>
  const isDone = status === 'completed'
  return (
    <div className="progress" data-done={isDone} data-stale={status === 'connecting' && step > 0}>
      <p className="progress-words">
        <span>
          {isDone && <CheckIcon />}
          {isDone ? `${name} is ready` : stage}
        </span>
        <span className="number">{Math.round((step / steps) * 100)} %</span>
      </p>
      <progress value={step} max={steps} aria-label={name} />
      <p className="hint">
        {isDone
          ? `${steps} steps, then its subscription completed.`
          : 'Its subscription sends all progress, then completes.'}
      </p>
    </div>
  )
}
