import { useState } from 'react'
import { trpc } from '../live/client.ts'
import { isClientError } from '../live/client-error.ts'
import { ActionButton } from '../ui/action-button.tsx'
import { useAction } from '../ui/use-action.ts'

/** Two of its values have the wrong type: in an editor, TypeScript would refuse it. */
const wrongEvent = { author: 'Mallory', text: 42, sentAt: 'today' }

interface Refused {
  readonly code: string
  readonly issues: ReadonlyArray<{
    readonly path: ReadonlyArray<string | number>
    readonly message: string
  }>
}

/** Publishes a wrong event past tRPC's input, and shows why the channel refuses it. */
export function Refusal() {
  const [refused, setRefused] = useState<Refused>()
  const publish = useAction(async () => {
    setRefused(undefined)
    setRefused(await publishWrongEvent())
  })
  return (
    <>
      <p className="aside">at run time, on the server</p>
      <WrongEvent wrongKeys={refused?.issues.map(({ path }) => path[0])} />
      <ActionButton action={publish}>Publish this event</ActionButton>
      <div className="refusal" data-refused={refused !== undefined} role="status">
        {refused ? <Issues {...refused} /> : <Hint hasFailed={publish.hasFailed} />}
      </div>
    </>
  )
}

function Hint({ hasFailed }: { readonly hasFailed: boolean }) {
  return hasFailed ? (
    <p className="problem">Not sent. Try again when the server is back.</p>
  ) : (
    <p>The channel’s schema checks every event, whoever publishes it.</p>
  )
}

async function publishWrongEvent(): Promise<Refused> {
  try {
    await trpc.chat.sendUnchecked.mutate({ room: 'lobby', event: wrongEvent })
  } catch (error) {
    if (isClientError(error) && error.data) return error.data
    throw error
  }
  throw new Error('The channel stored an event that does not fit its schema.')
}

interface WrongEventProps {
  readonly wrongKeys: ReadonlyArray<string | number | undefined> | undefined
}

function WrongEvent({ wrongKeys = [] }: WrongEventProps) {
  return (
    <pre className="code">
      <code>
        <span className="line">{'{'}</span>
        {Object.entries(wrongEvent).map(([key, value]) => (
          <span key={key} className="line">
            {`  ${key}: `}
            <span
              data-kind={typeof value === 'string' ? 'string' : 'class'}
              data-wrong={wrongKeys.includes(key)}
            >
              {JSON.stringify(value)}
            </span>
            ,
          </span>
        ))}
        <span className="line">{'}'}</span>
      </code>
    </pre>
  )
}

function Issues({ code, issues }: Refused) {
  return (
    <>
      <p className="refusal-title">Refused: {code}. Nothing was stored.</p>
      <ul>
        {issues.map(({ path, message }) => (
          <li key={path.join('.')}>
            <code>{path.join('.')}</code> {message}
          </li>
        ))}
      </ul>
    </>
  )
}
