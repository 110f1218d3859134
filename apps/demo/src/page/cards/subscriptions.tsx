import { lastCheck } from '../live/log-checks.ts'
import { type SubscriptionReport, subscriptionReports } from '../live/open-subscriptions.ts'
import { useStore } from '../live/store.ts'
import type { Counts } from '../live/subscription-state.ts'
import { Card } from '../ui/card.tsx'
import { useNow } from '../ui/use-now.ts'

const columns: ReadonlyArray<{ readonly what: keyof Counts; readonly title: string }> = [
  { what: 'received', title: 'Events' },
  { what: 'missing', title: 'Missing' },
  { what: 'repeated', title: 'Repeated' },
  { what: 'gaps', title: 'Gaps' },
]

/** Shows the state, the last event id and the counts of each subscription of the page. */
export function Subscriptions() {
  const reports = useStore(subscriptionReports)
  return (
    <Card
      title="Subscriptions of this tab"
      className="figures subscriptions"
      aside={<CheckedAgo />}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span className="unseen">Procedure</span>
            </th>
            {columns.map(({ what, title }) => (
              <th key={what} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr className="all-subscriptions" data-subscription="all">
            <th scope="row">All together</th>
            <CountCells counts={total(reports)} />
          </tr>
          {reports.map((report) => (
            <SubscriptionRow key={report.id} {...report} />
          ))}
        </tbody>
      </table>
    </Card>
  )
}

function SubscriptionRow({ path, state: { connection, lastEventId, counts } }: SubscriptionReport) {
  const [router, procedure] = path.split('.')
  return (
    <tr data-subscription={path}>
      <th scope="row">
        <span className="dot" data-connection={connection} aria-hidden="true" />
        <span>
          {router}.<wbr />
          {procedure}
        </span>
        <span className="subscription-more">
          <span>{connection}</span>
          <code title="last event id">{lastEventId ?? 'no event yet'}</code>
        </span>
      </th>
      <CountCells counts={counts} />
    </tr>
  )
}

function CountCells({ counts }: { readonly counts: Counts }) {
  return columns.map(({ what }) => (
    <td key={what} data-what={what} data-alarming={what !== 'received' && counts[what] > 0}>
      {counts[what].toLocaleString('en-US')}
    </td>
  ))
}

function total(reports: readonly SubscriptionReport[]): Counts {
  const sum = (what: keyof Counts): number =>
    reports.reduce((all, { state }) => all + state.counts[what], 0)
  return {
    received: sum('received'),
    missing: sum('missing'),
    repeated: sum('repeated'),
    gaps: sum('gaps'),
  }
}

function CheckedAgo() {
  const at = useStore(lastCheck)
  const now = useNow(1_000)
  if (at === undefined) return null
  const seconds = Math.max(0, Math.round((now - at) / 1_000))
  return <span className="aside number">compared with the log {seconds} s ago</span>
}
