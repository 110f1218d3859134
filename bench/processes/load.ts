import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { createTick } from '../payload.ts'
import type { Target } from '../targets/target.ts'
import { cpuTimeUs } from './cpu.ts'

/** The settings of a load. */
export interface LoadParams {
  /** The size of an event. */
  readonly bytes: number
  /** Channels, which get events in turn. */
  readonly channels: number
  /** Subscribers of each channel. */
  readonly subscribers: number
  /** Events in each turn of the loop. */
  readonly perTick: number
  /** The load ends after this many milliseconds, or after `events` events if that is sooner. */
  readonly forMs?: number
  readonly events?: number
  /** Deliveries that may be in flight. */
  readonly inFlight: number
  /** The pause after each turn, once its events have arrived everywhere. */
  readonly pauseMs?: number
}

/** The cost of a load. */
export interface LoadResult {
  readonly events: number
  readonly deliveries: number
  readonly elapsedMs: number
  /** User and system time of this process. */
  readonly cpuUs: number
}

/** Publishes the events of one process, and tracks their arrival. */
export interface EventSource {
  /** Publishes for a time, and waits until all events have arrived. */
  load(params: LoadParams): Promise<LoadResult>
  /** Publishes events to the first channel, and waits until they are stored. */
  store(params: { readonly events: number; readonly bytes: number }): Promise<void>
  /** Called with the number of deliveries that the clients have counted. */
  arrived(count: number): void
}

const stalledMs = 30_000

/** Creates the event source of a target. */
export function createEventSource(target: Target): EventSource {
  let published = 0
  /** Deliveries that are due, and those that the clients have counted. */
  let due = 0
  let received = 0
  let onArrived = (): void => {}

  function publishTick({ bytes, channels, subscribers, perTick }: LoadParams): void {
    for (let i = 0; i < perTick; i++) {
      target.publish(createTick(++published, bytes), published % channels)
      due += subscribers
    }
  }

  function arrivedAtLeast(count: number): Promise<void> | undefined {
    if (received >= count) return undefined
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new Error(`${count - received} deliveries did not arrive`))
      let stalled = setTimeout(giveUp, stalledMs)
      onArrived = () => {
        clearTimeout(stalled)
        if (received >= count) resolve()
        else stalled = setTimeout(giveUp, stalledMs)
      }
    })
  }

  async function load(params: LoadParams): Promise<LoadResult> {
    const { forMs = Infinity, events = Infinity, inFlight, pauseMs } = params
    const before = { published, received, cpuUs: cpuTimeUs(), atMs: performance.now() }
    while (performance.now() - before.atMs < forMs && published - before.published < events) {
      publishTick(params)
      if (pauseMs === undefined) await nextTurn()
      await arrivedAtLeast(due - inFlight)
      if (pauseMs !== undefined) await pause(pauseMs)
    }
    await arrivedAtLeast(due)
    if (received > due) throw new Error(`${received - due} deliveries more than events arrived`)
    return {
      events: published - before.published,
      deliveries: received - before.received,
      elapsedMs: performance.now() - before.atMs,
      cpuUs: cpuTimeUs() - before.cpuUs,
    }
  }

  return {
    load,
    async store({ events, bytes }) {
      const kept = Array.from({ length: events }, () =>
        target.publish(createTick(++published, bytes), 0),
      )
      await Promise.all(kept)
    },
    arrived(count) {
      received = count
      onArrived()
    },
  }
}
