import { prices } from '../live/app-subscriptions.ts'
import { useStatus } from '../live/status.ts'
import { useStore } from '../live/store.ts'
import { Card } from '../ui/card.tsx'
import { formatPrice } from '../ui/format.ts'
import { Sparkline } from './sparkline.tsx'

/** A price that changes four times a second, and its last half minute. */
export function Price() {
  const { events } = useStore(prices)
  const status = useStatus()
  const values = events.map(({ data }) => data.price)
  const newest = values.at(-1)
  const first = values.at(0)
  const change = newest !== undefined && first !== undefined ? newest - first : 0
  return (
    <Card title="Price" className="price" aside={<span className="aside">last 30 s</span>}>
      <div className="price-row" data-stale={status !== 'live' && status !== 'connecting'}>
        <p className="price-value">{newest === undefined ? '–' : formatPrice(newest)}</p>
        {newest !== undefined && <Change change={change} />}
      </div>
      <Sparkline values={values} label="Price over the last half minute" />
    </Card>
  )
}

function Change({ change }: { readonly change: number }) {
  const direction = change < 0 ? 'down' : 'up'
  return (
    <p className="price-change" data-direction={direction}>
      <span aria-hidden="true">{change < 0 ? '▼' : '▲'}</span>
      <span className="unseen">{direction}</span> {formatPrice(Math.abs(change))}
    </p>
  )
}
