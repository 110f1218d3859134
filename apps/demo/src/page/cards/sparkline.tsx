/** Props of {@link Sparkline}. */
export interface SparklineProps {
  readonly values: readonly number[]
  readonly label: string
}

const width = 300
const height = 64
const padding = 4
/** With fewer values, the line starts further to the right. More values share the width. */
const leastValues = 24

/** A small line chart, with the newest value at the right. */
export function Sparkline({ values, label }: SparklineProps) {
  const low = Math.min(...values)
  // A small range would magnify noise.
  const range = Math.max(Math.max(...values) - low, 0.2)
  const step = width / (Math.max(values.length, leastValues) - 1)
  const points = values.map((value, i) => ({
    x: width - (values.length - 1 - i) * step,
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
