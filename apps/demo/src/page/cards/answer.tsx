import { type RunResult, useRun } from '@trpc-sse/react'
import { useSyncExternalStore } from 'react'
import { folds } from '../../shared/folds.ts'
import { trpc } from '../live/client.ts'
import { runSubscription } from '../live/run-subscription.ts'
import { ActionButton, Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { CheckIcon, WarningIcon } from '../ui/icons.tsx'
import { useAction } from '../ui/use-action.ts'

type AnswerRun = Pick<
  RunResult<string | undefined, unknown>,
  'value' | 'status' | 'isCaughtUp' | 'stop' | 'isStopping'
>

/** An answer that streams, and survives everything but the death of its producer. */
export function Answer() {
  const answerId = useSyncExternalStore(answerAddress.subscribe, answerAddress.get)
  const ask = useAction(async () => {
    const next = crypto.randomUUID()
    await trpc.answers.ask.mutate({ answerId: next })
    answerAddress.set(next)
  })
  const button = (
    <ActionButton action={ask}>
      {answerId === undefined ? 'Ask how it works' : 'Ask again'}
    </ActionButton>
  )
  return (
    <Card title="An answer that streams" className="answer" aside={button}>
      {answerId === undefined ? (
        <p className="hint">
          Ask. Then reload the page in the middle, open the answer in a second tab, stop it from
          there, or kill its producer. Every tab shows the same words, and learns how it ended.
        </p>
      ) : (
        <StreamingAnswer answerId={answerId} />
      )}
      <Problem>{ask.hasFailed && 'Not asked. Try again when the server is back.'}</Problem>
    </Card>
  )
}

function StreamingAnswer({ answerId }: { readonly answerId: string }) {
  const run = useRun(
    runSubscription({
      path: 'answers.onAnswer',
      procedure: trpc.answers.onAnswer,
      input: { answerId },
    }),
    { apply: folds.answer.apply, stop: () => trpc.answers.stop.mutate({ answerId }) },
  )
  const stop = useAction(run.stop)
  const kill = useAction(async () => {
    await trpc.answers.kill.mutate({ answerId })
  })
  const isOpen = run.status === 'running' || run.status === 'connecting'
  return (
    <div className="answer-parts">
      <p className="answer-text" data-streaming={run.status === 'running'}>
        {run.value}
      </p>
      <div className="answer-side">
        <Outcome {...run} />
        <div className="buttons">
          <ActionButton action={stop} disabled={!isOpen || run.isStopping}>
            Stop
          </ActionButton>
          <ActionButton action={kill} disabled={!isOpen}>
            Kill the producer
          </ActionButton>
          <a className="button small" href={`#answer=${answerId}`} target="_blank" rel="noopener">
            Open in a second tab
          </a>
        </div>
        <Problem>
          {(stop.hasFailed || kill.hasFailed) && 'Not sent. Try again when the server is back.'}
        </Problem>
      </div>
    </div>
  )
}

function Outcome({ status, value, isStopping }: AnswerRun) {
  const isBad = status === 'abandoned' || toneOf(status) === 'bad'
  return (
    <p className="outcome" data-tone={toneOf(status)} data-status={status} role="status">
      {status === 'completed' && <CheckIcon />}
      {isBad && <WarningIcon />}
      <span>{isStopping && !isBad ? 'Stopping…' : words(status, wordsIn(value))}</span>
    </p>
  )
}

function toneOf(status: AnswerRun['status']): 'quiet' | 'good' | 'warn' | 'bad' {
  if (status === 'completed') return 'good'
  if (status === 'failed' || status === 'none' || status === 'error') return 'bad'
  return status === 'running' || status === 'idle' ? 'quiet' : 'warn'
}

function words(status: AnswerRun['status'], count: number): string {
  switch (status) {
    case 'idle':
    case 'connecting':
      return 'Waiting for the connection…'
    case 'running':
      return 'Reload now: the text continues where it was.'
    case 'completed':
      return `All ${count} words, then its subscription completed.`
    case 'stopped':
      return `Stopped after ${count} words, for every tab. They stay.`
    case 'abandoned':
      return `Abandoned after ${count} words: the producer died, and its lease ended.`
    case 'failed':
      return 'The producer failed.'
    case 'none':
    case 'error':
      return 'The server no longer knows this answer. Ask again.'
  }
}

function wordsIn(text = ''): number {
  return text.split(' ').filter((word) => word !== '').length
}

/** The answer's id in the page's address: a reload or a second tab shows the same answer. */
const answerAddress = {
  get: (): string | undefined => /^#answer=([\da-f-]{36})$/.exec(location.hash)?.[1],
  set(answerId: string): void {
    history.replaceState(null, '', `#answer=${answerId}`)
    dispatchEvent(new HashChangeEvent('hashchange'))
  },
  subscribe(listener: () => void): () => void {
    addEventListener('hashchange', listener)
    return () => removeEventListener('hashchange', listener)
  },
}
