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

/** Writes how many there are of something: 1 event, 2 events. */
export function count(howMany: number, what: string): string {
  return `${howMany.toLocaleString('en-US')} ${what}${howMany === 1 ? '' : 's'}`
}

/** Writes how often something happened: once, 2 times. */
export function times(often: number): string {
  return often === 1 ? 'once' : count(often, 'time')
}
