import type { LoadParams, LoadResult } from './processes/load.ts'
import type { Pair } from './session.ts'
import type { Sizes } from './sizes.ts'

/** A load. By default, it is one event per turn, of the usual size, to one channel. */
export interface Load {
  /** Subscribers of each channel. */
  readonly subscribers: number
  readonly channels?: number
  readonly perTick?: number
  readonly bytes?: number
}

/** The cost of a load, and its traffic. */
export interface LoadFigures extends LoadResult {
  readonly cpuUsPerDelivery: number
  readonly deliveriesPerSecond: number
  readonly bytesPerDelivery: number
  /**
   * The CPU use of the clients' process, in % of a core. Near 100, the clients are the bottleneck.
   */
  readonly clientsBusy: number
  /** The events of the warm-up and of the load. */
  readonly allEvents: number
}

/**
 * The most that may be in flight under load: deliveries in total, and bytes to one subscriber,
 * which would count as slow with more. A few turns are always allowed.
 */
const maxInFlight = 4_096
const maxBytesInFlight = 65_536
const minEventsInFlight = 4
const minTurnsInFlight = 2
/** The pause between two turns without load. */
const probePauseMs = 5

/** After a warm-up, publishes as many events as the clients can keep up with. */
export async function saturate(pair: Pair, load: Load, sizes: Sizes): Promise<LoadFigures> {
  const params = loadParams(load, sizes)
  await pair.clients.call('report', { every: Math.ceil(params.inFlight / 4), timed: false })
  const warmUp = await pair.server.call('load', { ...params, forMs: sizes.warmUpMs })
  await pair.clients.call('report', { every: Math.ceil(params.inFlight / 4), timed: false })
  const clientsBefore = await pair.clients.call('cpuUs')
  const result = await pair.server.call('load', { ...params, forMs: sizes.loadMs })
  const clientsUs = (await pair.clients.call('cpuUs')) - clientsBefore
  const traffic = await pair.clients.call('traffic')
  return {
    ...result,
    cpuUsPerDelivery: result.cpuUs / result.deliveries,
    deliveriesPerSecond: (result.deliveries / result.elapsedMs) * 1_000,
    bytesPerDelivery: traffic.bytes / traffic.deliveries,
    clientsBusy: clientsUs / 10 / result.elapsedMs,
    allEvents: warmUp.events + result.events,
  }
}

/** Publishes one event at a time, each once the previous one has arrived everywhere. */
export async function probe(
  pair: Pair,
  load: Load,
  sizes: Sizes,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const params = { ...loadParams(load, sizes), inFlight: 0, pauseMs: probePauseMs }
  await pair.clients.call('report', { every: params.subscribers, timed: false })
  await pair.server.call('load', { ...params, forMs: sizes.warmUpMs })
  await pair.clients.call('report', { every: params.subscribers, timed: true })
  await pair.server.call('load', { ...params, forMs: sizes.probeMs })
  const { p50, p99 } = await pair.clients.call('latency')
  return { p50Ms: p50, p99Ms: p99 }
}

/** Completes a load with defaults, and a bound on the deliveries in flight. */
export function loadParams(load: Load, sizes: Sizes): LoadParams {
  const { subscribers, channels = 1, perTick = 1, bytes = sizes.bytes[0] ?? 130 } = load
  const least = subscribers * Math.max(minEventsInFlight, minTurnsInFlight * perTick)
  const most = Math.min(maxInFlight, subscribers * channels * Math.floor(maxBytesInFlight / bytes))
  return { subscribers, channels, perTick, bytes, inFlight: Math.max(least, most) }
}
