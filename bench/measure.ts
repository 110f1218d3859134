import type { LoadParams, LoadResult } from './processes/load.ts'
import type { Pair } from './session.ts'
import type { Sizes } from './sizes.ts'

/**
 * A load, as scenarios ask for it: what isn't given is one event a turn, of the usual size, to one
 * channel.
 */
export interface Load {
  /** Subscribers of each channel. */
  readonly subscribers: number
  readonly channels?: number
  readonly perTick?: number
  readonly bytes?: number
}

/** What a load has cost, and what came over the wire. */
export interface LoadFigures extends LoadResult {
  readonly cpuUsPerDelivery: number
  readonly deliveriesPerSecond: number
  readonly bytesPerDelivery: number
  /** How busy the clients' process was, in % of a core: near 100 it holds the server up. */
  readonly clientsBusy: number
  /** The events of the warm-up and of the load. */
  readonly allEvents: number
}

/**
 * On their way at most while a server is under load: deliveries in all, and bytes to one
 * subscriber, who would have fallen behind with more; but at least a few turns.
 */
const maxInFlight = 4_096
const maxBytesInFlight = 65_536
const minEventsInFlight = 4
const minTurnsInFlight = 2
/** Between two turns when there is no load. */
const probePauseMs = 5

/** Publishes as many events as the clients keep up with, after a warm-up. */
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

/** Publishes one event at a time, each after the one before has arrived everywhere. */
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

/** The load in full, with a bound on what is on its way. */
export function loadParams(load: Load, sizes: Sizes): LoadParams {
  const { subscribers, channels = 1, perTick = 1, bytes = sizes.bytes[0] ?? 130 } = load
  const least = subscribers * Math.max(minEventsInFlight, minTurnsInFlight * perTick)
  const most = Math.min(maxInFlight, subscribers * channels * Math.floor(maxBytesInFlight / bytes))
  return { subscribers, channels, perTick, bytes, inFlight: Math.max(least, most) }
}
