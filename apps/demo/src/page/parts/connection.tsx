import { health } from '../live/health.ts'
import { load, totalLoad } from '../live/load.ts'
import { useStore } from '../live/store.ts'
import { wire } from '../live/wire.ts'
import { Card } from './card.tsx'
import { count, times } from './format.ts'
import { useNow } from './use-now.ts'

/** What this page has open, and what the server has open for all pages. */
export function Connection() {
  const { connections, subscriptions, instance, opened, changed } = useStore(wire)
  const instances = useStore(health)?.instances ?? 1
  const all = totalLoad(useStore(load), useNow(1_000))
  const areMany = instances > 1
  return (
    <Card
      title="Connection"
      className="wire"
      aside={
        <span className="aside" title="Subscriptions come and go without a new connection.">
          opened {times(opened)}
          {changed > 0 && `, changed ${times(changed)} in place`}
        </span>
      }
    >
      <table>
        <tbody>
          <Row
            where="page"
            name="This page"
            more={areMany && connections > 0 && `on instance ${instance}`}
            serves={{ connections, subscriptions }}
          />
          <Row where="server" name="All pages" more={areMany && `on ${instances} instances`} serves={all} />
        </tbody>
      </table>
    </Card>
  )
}

interface RowProps {
  readonly where: 'page' | 'server'
  readonly name: string
  readonly more: string | false
  /** `undefined` if nobody can tell. */
  readonly serves: { readonly connections: number; readonly subscriptions: number } | undefined
}

function Row({ where, name, more, serves }: RowProps) {
  return (
    <tr data-where={where}>
      <th scope="row">
        <span>{name}</span> {more && <span className="aside">{more}</span>}
      </th>
      <td>{serves ? count(serves.connections, 'connection') : '–'}</td>
      <td>{serves ? count(serves.subscriptions, 'subscription') : '–'}</td>
    </tr>
  )
}
