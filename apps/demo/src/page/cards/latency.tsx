import { latency } from '../live/page-latency.ts'
import { useStore } from '../live/store.ts'
import { Card } from '../ui/card.tsx'

const capacity = 90
const width = 360
const height = 56

/** The latency of each event from publish to screen, as a bar. */
export function Latency() {
  const values = useStore(latency.values)
  const sorted = values.toSorted((a, b) => a - b)
  // One outlier must not flatten the other bars, and a fast page must not look slow.
  const top = Math.max(20, Math.round(at(sorted, 0.95) * 1.25))
  const bar = width / capacity
  return (
    <Card title="Publish to screen" className="latency" aside={<Percentiles sorted={sorted} />}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={inWords(sorted)}
      >
        {values.map((value, i) => {
          const tall = Math.min(height, Math.max(1.5, (value / top) * height))
          const x = width - (values.length - i) * bar
          return <rect key={i} x={x} y={height - tall} width={bar - 1} height={tall} />
        })}
      </svg>
      <p className="scale">
        <span>0 to {top} ms</span>
        <span>newest event</span>
      </p>
    </Card>
  )
}

function Percentiles({ sorted }: { readonly sorted: readonly number[] }) {
  if (sorted.length === 0) return <span className="aside">waiting for events</span>
  return (
    <span className="aside number">
      median <strong>{at(sorted, 0.5)} ms</strong>, 95th <strong>{at(sorted, 0.95)} ms</strong>
    </span>
  )
}

function inWords(sorted: readonly number[]): string {
  if (sorted.length === 0) return 'No event has been measured yet'
  return `Latency of the last ${sorted.length} events: median ${at(sorted, 0.5)} milliseconds`
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
