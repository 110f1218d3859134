import { useLive } from '@trpc-sse/react'
import { limits } from '../../shared/limits.ts'
import { trpc } from '../live/client.ts'
import { liveSubscription } from '../live/live-subscription.ts'
import { useStore } from '../live/store.ts'
import { Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { WarningIcon } from '../ui/icons.tsx'
import { closeStreams, openStreams, openUntilRefused } from './open-streams.ts'

/** The limits of the server, how much of them this user uses, and a way to reach one. */
export function Limits() {
  const { data } = useLive(
    liveSubscription({ path: 'limits.onUse', procedure: trpc.limits.onUse, input: undefined }),
    { key: (instance) => instance.key },
  )
  const used = (what: 'connections' | 'subscriptions'): number | undefined =>
    data?.reduce((sum, { value }) => sum + value[what], 0)
  return (
    <Card title="Limits" className="figures limits" aside={<Streams />}>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">You use</th>
            <th scope="col">Limit</th>
          </tr>
        </thead>
        <tbody>
          <Row
            name="Connections of one user"
            option="connectionsPerKey"
            used={used('connections')}
            limit={limits.connections}
          />
          <Row
            name="Subscriptions of one user"
            option="subscriptionsPerKey"
            used={used('subscriptions')}
            limit={limits.subscriptions}
          />
        </tbody>
      </table>
      <Outcome />
    </Card>
  )
}

interface RowProps {
  readonly name: string
  /** The option that sets the limit. */
  readonly option: string
  /** `undefined` while unknown. */
  readonly used: number | undefined
  readonly limit: number
}

function Row({ name, option, used, limit }: RowProps) {
  return (
    <tr data-limit={option} data-reached={used !== undefined && used >= limit}>
      <th scope="row">
        {name}
        <code className="aside">{option}</code>
      </th>
      <td data-what="used">{used ?? '–'}</td>
      <td data-what="limit">{limit}</td>
    </tr>
  )
}

function Streams() {
  const { status } = useStore(openStreams)
  return status === 'refused' ? (
    <button type="button" className="button small" onClick={closeStreams}>
      Close them
    </button>
  ) : (
    <button
      type="button"
      className="button small"
      onClick={openUntilRefused}
      disabled={status === 'opening'}
    >
      Open streams until refused
    </button>
  )
}

function Outcome() {
  const { status, open, error } = useStore(openStreams)
  return (
    <>
      <p className="outcome" data-tone={error ? 'warn' : 'quiet'} role="status">
        {error && <WarningIcon />}
        <span>
          {error ? (
            <>
              <strong>
                Stream {open + 1} was refused: {error.code}.
              </strong>{' '}
              {error.message}
            </>
          ) : (
            'One more is refused, with an error that names the limit. Streams that are open go on.'
          )}
        </span>
      </p>
      <Problem>
        {status === 'failed' && 'No connection. Try again when the server is back.'}
      </Problem>
    </>
  )
}
