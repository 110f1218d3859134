import type { ReactNode } from 'react'
import { role } from '../live/client.ts'
import { health } from '../live/health.ts'
import { load, totalLoad } from '../live/load.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { useRequestCounts } from '../live/use-request-counts.ts'
import { Card } from '../ui/card.tsx'
import { formatMean, times } from '../ui/format.ts'
import { useNow } from '../ui/use-now.ts'
import { TabNumbers, WhoLeads } from './tabs.tsx'

/** The connections of this browser and of all browsers, and the tab that holds this browser's. */
export function Connection() {
  const { connections, subscriptions, instance, opened, changed } = useRequestCounts()
  const instances = useStore(health)?.instances ?? 1
  const all = totalLoad(useStore(load), useNow(1_000))
  const isShared = useStore(role) !== 'alone'
  const { numbers } = useStore(tabs)
  const onInstance = instances > 1 && connections > 0 ? `, on instance ${instance}` : ''
  return (
    <Card
      title="Connection"
      className="figures connection"
      aside={numbers.length > 1 && <TabNumbers />}
    >
      <WhoLeads />
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">Connections</th>
            <th scope="col">Subscriptions</th>
            <th scope="col">On each</th>
          </tr>
        </thead>
        <tbody>
          <Row
            where="browser"
            name={`${isShared ? 'This browser' : 'This tab'}${onInstance}`}
            more={
              <span title="Subscriptions come and go without a new connection.">
                {opened > 0 ? `opened ${times(opened)}` : 'not open yet'}
                {changed > 0 && `, changed ${times(changed)}`}
              </span>
            }
            serves={{ connections, subscriptions }}
          />
          <Row
            where="server"
            name="All browsers"
            more={instances > 1 ? `as ${instances} instances count` : 'as the server counts'}
            serves={all}
          />
        </tbody>
      </table>
    </Card>
  )
}

interface RowProps {
  readonly where: 'browser' | 'server'
  readonly name: string
  readonly more: ReactNode
  /** `undefined` while unknown. */
  readonly serves: { readonly connections: number; readonly subscriptions: number } | undefined
}

function Row({ where, name, more, serves }: RowProps) {
  const { connections, subscriptions } = serves ?? {}
  return (
    <tr data-where={where}>
      <th scope="row">
        {name}
        <span className="aside">{more}</span>
      </th>
      <td data-what="connections">{connections ?? '–'}</td>
      <td data-what="subscriptions">{subscriptions ?? '–'}</td>
      <td data-what="each">
        {connections && subscriptions ? formatMean(subscriptions / connections) : '–'}
      </td>
    </tr>
  )
}
