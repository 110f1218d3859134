const units: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** Formats a duration for people, in its largest unit: `3 min`. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of units) {
    if (ms >= size) return `${Math.floor(ms / size)} ${unit}`
  }
  return `${Math.max(0, Math.round(ms))} ms`
}

/** Formats a time of day as ISO 8601; `'?'` for a time that JavaScript has no date for. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString()
}

/** Formats milliseconds as seconds. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
