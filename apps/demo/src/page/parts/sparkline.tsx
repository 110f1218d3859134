/** What a sparkline draws. */
export interface SparklineProps {
  readonly values: readonly number[]
  /** How many values fit: fewer of them start further right. */
  readonly capacity: number
  readonly label: string
}

const width = 300
const height = 64
const padding = 4

/** A small line of numbers, the newest at the right. */
export function Sparkline({ values, capacity, label }: SparklineProps) {
  const low = Math.min(...values)
  // A line that hardly moves should look like one.
  const range = Math.max(Math.max(...values) - low, 0.2)
  const points = values.map((value, i) => ({
    x: width - ((values.length - 1 - i) * width) / (capacity - 1),
    y: height - padding - ((value - low) / range) * (height - 2 * padding),
  }))
  const line = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
  const start = points[0]?.x ?? width
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polygon points={`${start},${height} ${line} ${width},${height}`} />
      <polyline points={line} vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
