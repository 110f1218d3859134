import { marker, nowUs, timeDigits } from '../payload.ts'

/** Counts the events in a stream of bytes. */
export interface Counter {
  /** Events received so far. */
  readonly received: number
  /** When the last one arrived, in milliseconds. */
  readonly lastAtMs: number
  /** Times from publish to receive since `start`, in milliseconds; empty unless `timed`. */
  readonly timesMs: readonly number[]
  /** Counts the events in the first `length` bytes of the buffer. */
  count(length: number): void
  /** Starts again: reports the count after every `every` events. */
  start(params: { readonly every: number; readonly timed: boolean }): void
  /** Reports the count, unless it has been reported already. */
  report(): void
  /** Deliveries and bytes since `start`. */
  traffic(): { readonly deliveries: number; readonly bytes: number }
  /** The last id in the newest read. */
  lastEventId(): string
}

const markerByte = marker.charCodeAt(0)

/** Creates a counter for the bytes that are read into a buffer. */
export function createCounter(buffer: Buffer, onCount: (received: number) => void): Counter {
  let reported = 0
  let every = 1
  let timed = false
  let bytes = 0
  let before = 0
  let lastLength = 0
  let timesMs: number[] = []
  let received = 0
  let lastAtMs = 0

  function takeTime(atUs: number, at: number, length: number): void {
    const end = at + 1 + timeDigits
    // If the end of a read cuts the time off, leave it out.
    if (end <= length) timesMs.push((atUs - Number(buffer.toString('latin1', at + 1, end))) / 1_000)
  }

  function report(): void {
    if (received === reported) return
    reported = received
    onCount(received)
  }

  return {
    get received() {
      return received
    },
    get lastAtMs() {
      return lastAtMs
    },
    get timesMs() {
      return timesMs
    },
    count(length) {
      const atUs = timed ? nowUs() : 0
      const view = buffer.subarray(0, length)
      const receivedBefore = received
      for (let at = view.indexOf(markerByte); at !== -1; at = view.indexOf(markerByte, at + 1)) {
        received += 1
        if (timed) takeTime(atUs, at, length)
      }
      bytes += length
      lastLength = length
      if (received > receivedBefore) lastAtMs = performance.now()
      if (received - reported >= every) report()
    },
    start(params) {
      every = params.every
      timed = params.timed
      timesMs = []
      bytes = 0
      before = received
    },
    report,
    traffic: () => ({ deliveries: received - before, bytes }),
    lastEventId() {
      const ids = [...buffer.toString('latin1', 0, lastLength).matchAll(/^id: (.*)$/gm)]
      const [, id] = ids.at(-1) ?? []
      if (id === undefined) throw new Error('There was no id in what was read last')
      return id
    },
  }
}
