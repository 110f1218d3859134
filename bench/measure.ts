import type { ClientsMethods, Latency } from './clients.ts'
import type { BenchOptions, TargetName } from './options.ts'
import { type Peer, startPeer } from './peer.ts'
import type { Runtime } from './runtime.ts'
import type { LoadParams, LoadResult, ServerMethods } from './server.ts'

/** What one event costs on its way to so many subscribers. */
export interface FanOut {
  readonly cpuUsPerDelivery: number
  readonly deliveriesPerSecond: number
  /** Publish to receive, when nothing else is on its way. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What an open connection costs that nothing is sent on. */
export interface Idle {
  readonly rssKb: number
  readonly heapKb: number
  readonly openCpuUs: number
}

type Server = Peer<ServerMethods>
type Clients = Peer<ClientsMethods>

/** Deliveries on their way at most while the server is under load; but at least a few events. */
const maxInFlight = 4_096
const minEventsInFlight = 4
/** Between two events when there is no load. */
const probePauseMs = 5
/** Connections that are opened and closed first, so that code and caches are there before memory is measured. */
const warmUpConnections = 500
/** Stock's generators start to listen some time after their response has begun. */
const settleMs = 200

// The heap's young generation grows up to a limit, whatever the number of connections: held to what it was until Node 22,
// and divided by thousands of connections, it doesn't hide what these cost.
const nodeArgs = ['--expose-gc', '--max-semi-space-size=16']

/** Measures one target with so many subscribers, all in fresh processes. */
export async function measureFanOut(
  name: TargetName,
  subscribers: number,
  options: BenchOptions,
): Promise<FanOut> {
  return await withProcesses(name, options.runtime, async (server, clients) => {
    const address = await server.call('start')
    await clients.call('connect', { ...address, count: subscribers })
    await sleep(settleMs)
    const profile = options.profile
      ? `${import.meta.dirname}/results/${name}-${subscribers}.cpuprofile`
      : undefined
    await saturate(server, clients, { subscribers, forMs: options.warmUpMs })
    const load = await saturate(server, clients, { subscribers, forMs: options.loadMs, profile })
    const latency = await probe(server, clients, subscribers, options.probeMs)
    return {
      cpuUsPerDelivery: load.cpuUs / load.deliveries,
      deliveriesPerSecond: (load.deliveries / load.elapsedMs) * 1_000,
      p50Ms: latency.p50,
      p99Ms: latency.p99,
    }
  })
}

/** Measures what so many idle connections to one target cost. */
export async function measureIdle(name: TargetName, { idle, runtime }: BenchOptions): Promise<Idle> {
  return await withProcesses(name, runtime, async (server, clients) => {
    const address = await server.call('start')
    await clients.call('connect', { ...address, count: warmUpConnections })
    await clients.call('disconnect')
    await sleep(settleMs)
    const before = await server.call('usage')
    await clients.call('connect', { ...address, count: idle })
    await sleep(settleMs)
    const after = await server.call('usage')
    return {
      rssKb: (after.memory.rss - before.memory.rss) / idle / 1_024,
      heapKb: (after.memory.heapUsed - before.memory.heapUsed) / idle / 1_024,
      openCpuUs: (after.cpuUs - before.cpuUs) / idle,
    }
  })
}

/** One event in each turn of the server's loop, as many as the clients keep up with. */
async function saturate(
  server: Server,
  clients: Clients,
  params: Omit<LoadParams, 'inFlight'>,
): Promise<LoadResult> {
  const inFlight = Math.max(maxInFlight, params.subscribers * minEventsInFlight)
  await clients.call('report', { every: inFlight / 4, timed: false })
  return await server.call('load', { ...params, inFlight })
}

/** One event at a time. */
async function probe(server: Server, clients: Clients, subscribers: number, forMs: number): Promise<Latency> {
  await clients.call('report', { every: subscribers, timed: true })
  await server.call('load', { subscribers, forMs, inFlight: 0, pauseMs: probePauseMs })
  return await clients.call('latency')
}

async function withProcesses<T>(
  name: TargetName,
  runtime: Runtime,
  use: (server: Server, clients: Clients) => Promise<T>,
): Promise<T> {
  const server = startPeer<ServerMethods>(runtime, 'server', [name], nodeArgs)
  const clients = startPeer<ClientsMethods>(runtime, 'clients')
  clients.onNumber((received) => server.tell(received))
  try {
    return await use(server, clients)
  } finally {
    await Promise.all([server.stop(), clients.stop()])
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
