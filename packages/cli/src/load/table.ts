import type { Printer } from '../output/printer.ts'
import type { Counts, Tally } from './tally.ts'

/** Prints a row for each second: what happened since the row before, and what there is now. */
export class LoadTable {
  readonly #print: Printer
  readonly #tally: Tally
  #before: Counts
  #beforeMs = 0

  constructor(print: Printer, tally: Tally) {
    this.#print = print
    this.#tally = tally
    this.#before = { ...tally.total }
    if (!print.json) print.line(headings.map((text, i) => text.padStart(widths[i] ?? 0)).join(''))
  }

  add(elapsedMs: number): void {
    const { connected, recent, total } = this.#tally
    const since = (name: keyof Counts): number => total[name] - this.#before[name]
    const row = {
      seconds: Math.round(elapsedMs / 100) / 10,
      connected,
      eventsPerSecond: perSecond(since('events'), elapsedMs - this.#beforeMs),
      p50Ms: recent.percentileMs(0.5),
      p99Ms: recent.percentileMs(0.99),
      maxMs: Math.round(recent.maxMs),
      gaps: since('gaps'),
      repeats: since('repeats'),
      reconnects: since('reconnects'),
      failed: since('failed'),
    }
    const cells = Object.values(row).map((value, i) => `${value}`.padStart(widths[i] ?? 0))
    this.#print.result({ ...row, events: since('events') }, cells.join(''))
    this.#before = { ...total }
    this.#beforeMs = elapsedMs
    recent.clear()
  }
}

const headings = [
  'SECONDS',
  'CONNECTED',
  'EVENTS/S',
  'P50 MS',
  'P99 MS',
  'MAX MS',
  'GAPS',
  'REPEATS',
  'RECONNECTS',
  'FAILED',
]
const widths = headings.map((text) => text.length + 2)

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((1_000 * count) / ms) : 0
}
