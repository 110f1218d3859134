import { useMemo, useState } from 'react'
import { jobSubscription } from '../live/app-subscriptions.ts'
import { trpc } from '../live/client.ts'
import { useStore } from '../live/store.ts'
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
    <button
      type="button"
      className="button small"
      onClick={() => start.run()}
      disabled={start.isRunning}
    >
      {jobId === undefined ? 'Start a report' : 'Start another'}
    </button>
  )
  return (
    <Card title="Long job" className="job" aside={button}>
      {jobId === undefined ? <NoJob /> : <Progress key={jobId} jobId={jobId} />}
      <p className="problem" role="alert">
        {start.hasFailed && 'Not started. Try again when the server is back.'}
      </p>
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
  const subscription = useMemo(() => jobSubscription(jobId), [jobId])
  const { events, connection, counts } = useStore(subscription)
  const { step = 0, steps = 1, stage = 'Starting' } = events.at(-1)?.data ?? {}
  const isDone = connection === 'completed'
  if (counts.gaps > 0 && !isDone) {
    return <p className="hint">The server has restarted and lost this job. Start another.</p>
  }
  const name = `Report ${jobId.slice(0, 4)}`
  return (
    <div className="progress" data-done={isDone} data-stale={connection === 'lost'}>
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
          ? `${counts.received} events, then its subscription completed.`
          : 'Its subscription sends all progress, then completes.'}
      </p>
    </div>
  )
}
