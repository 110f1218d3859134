const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const price = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** Writes a time of day: 14:05. */
export function formatTime(date: Date): string {
  return time.format(date)
}

/** Writes a price: 1,284.50. */
export function formatPrice(value: number): string {
  return price.format(value)
}

/** Writes a number of things: 1 event, 2 events. */
export function count(howMany: number, what: string): string {
  return `${howMany.toLocaleString('en-US')} ${what}${howMany === 1 ? '' : 's'}`
}

const mean = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })

/** Writes a number with at most one decimal: 6, 5.5. */
export function formatMean(value: number): string {
  return mean.format(value)
}

/** Writes a whole group: all 3, both. */
export function allOf(howMany: number): string {
  return howMany === 2 ? 'both' : `all ${howMany}`
}

/** Writes how often something happened: once, twice, 3 times. */
export function times(often: number): string {
  return ['never', 'once', 'twice'][often] ?? count(often, 'time')
}
