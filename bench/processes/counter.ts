import { marker, nowUs, timeDigits } from '../payload.ts'

/** Counts the events in what is read. */
export interface Counter {
  /** Events so far. */
  readonly received: number
  /** When the last one came, in milliseconds. */
  readonly lastAtMs: number
  /** Times from publish to receive since `start`, in milliseconds, if they are taken. */
  readonly timesMs: readonly number[]
  /** Looks at the first bytes of the buffer. */
  count(length: number): void
  /** Tells the count from now on after each so many events. */
  start(params: { readonly every: number; readonly timed: boolean }): void
  /** Tells the count, unless that is told already. */
  tell(): void
  /** What has come since `start`. */
  traffic(): { readonly deliveries: number; readonly bytes: number }
  /** The last id in what was read last. */
  lastEventId(): string
}

const markerByte = marker.charCodeAt(0)

/** Creates a counter of what is read into a buffer. */
export function createCounter(buffer: Buffer, onCount: (received: number) => void): Counter {
  let told = 0
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
    // A time that is cut by the end of a read is left out.
    if (end <= length) timesMs.push((atUs - Number(buffer.toString('latin1', at + 1, end))) / 1_000)
  }

  function tell(): void {
    if (received === told) return
    told = received
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
      if (received - told >= every) tell()
    },
    start(params) {
      every = params.every
      timed = params.timed
      timesMs = []
      bytes = 0
      before = received
    },
    tell,
    traffic: () => ({ deliveries: received - before, bytes }),
    lastEventId() {
      const ids = [...buffer.toString('latin1', 0, lastLength).matchAll(/^id: (.*)$/gm)]
      const [, id] = ids.at(-1) ?? []
      if (id === undefined) throw new Error('There was no id in what was read last')
      return id
    },
  }
}
