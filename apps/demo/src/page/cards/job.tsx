import { useMemo, useState } from 'react'
import { jobStream } from '../live/app-subscriptions.ts'
import { trpc } from '../live/client.ts'
import { useStore } from '../live/store.ts'
import { Card } from '../ui/card.tsx'
import { CheckIcon } from '../ui/icons.tsx'
import { useAction } from '../ui/use-action.ts'

/** A long job on the server, and how far it is. */
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
      {jobId === undefined ? (
        <p className="hint">
          Takes some seconds. Whoever looks gets its progress from the beginning.
        </p>
      ) : (
        <Progress key={jobId} jobId={jobId} />
      )}
      <p className="problem" role="alert">
        {start.hasFailed && 'It could not be started. Try again when the server is back.'}
      </p>
    </Card>
  )
}

function Progress({ jobId }: { readonly jobId: string }) {
  const stream = useMemo(() => jobStream(jobId), [jobId])
  const { events, connection, counts } = useStore(stream)
  const { done = 0, total = 1, doing = 'Starting' } = events.at(-1)?.data ?? {}
  const isDone = done === total
  if (counts.gaps > 0 && !isDone) {
    return (
      <p className="hint">The server has forgotten this job: it was started anew. Start another.</p>
    )
  }
  return (
    <div className="progress" data-done={isDone} data-stale={connection === 'lost'}>
      <p className="progress-words">
        <span>
          {isDone && <CheckIcon />}
          {isDone ? `Report ${jobId.slice(0, 4)} is ready` : doing}
        </span>
        <span className="number">{Math.round((done / total) * 100)} %</span>
      </p>
      <progress value={done} max={total} aria-label={`Report ${jobId.slice(0, 4)}`} />
    </div>
  )
}
