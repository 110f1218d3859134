import { setTimeout as sleep } from 'node:timers/promises'
import { startChildServer } from '../../support/child-server.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { type Fleet, startFleet } from '../fleet.ts'
import { type Counts, count, type Received } from './counts.ts'
import { type Fault, type FaultName, runSchedule, schedule } from './faults.ts'
import type { Peer } from './peer.ts'
import { type PeerName, peers } from './peers.ts'
import { Publisher } from './publisher.ts'

/** Options of {@link soakPeer}. */
export interface SoakPeerOptions {
  readonly name: PeerName
  readonly seed: number
  readonly durationMs: number
  /** How long the clients have to reconnect before the last events are published. */
  readonly settleMs?: number
  /** The maximum time that clients have to receive everything at the end. */
  readonly quietMs?: number
  /** Called with each fault as it happens. */
  readonly onFault?: (name: FaultName) => void
}

/** The events that a peer has delivered. */
export interface PeerReport {
  readonly published: number
  readonly faults: number
  readonly clients: readonly Counts[]
}

const clients = 6
const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
const module = new URL('./instance.ts', import.meta.url)

/** Runs one peer on two instances and a durable Redis, while things fail. */
export async function soakPeer(options: SoakPeerOptions): Promise<PeerReport> {
  const {
    name,
    seed,
    durationMs,
    settleMs = 10_000,
    quietMs = 100_000,
    onFault = () => {},
  } = options
  const peer = await peers[name]()
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis({ args: durable }))
  const store = peer.startStore && stack.use(await peer.startStore(redis.url))
  const settings = { PEER: name, PEER_STORE: store?.url ?? redis.url }
  const start = () => startChildServer(module, settings)
  const fleet = stack.use(await startFleet({ size: 2, permanent: 0, start }))
  const { url } = fleet.door
  const audience = Array.from({ length: clients }, () => followWith(peer, url))
  stack.defer(() => {
    for (const { stop } of audience) stop()
  })
  await untilAllReceive(audience, new Publisher(url, 'before'))

  const publishers = ['first', 'second'].map((publisher) => new Publisher(url, publisher))
  const stop = new AbortController()
  const publishing = Promise.all(
    publishers.map((publisher, i) => publisher.run(stop.signal, seededRandom(seed + i), 40)),
  )
  const faults = schedule(seed, durationMs)
  await runSchedule(faults, (fault) => {
    onFault(fault.name)
    return cause(fault, fleet, redis)
  })
  stop.abort()
  await publishing
  await sleep(settleMs)
  // A loss shows only once a later event has arrived.
  await Promise.all(publishers.map((publisher) => publisher.publishNext()))
  const published = new Map(publishers.map(({ name, n }) => [name, n]))
  const counts = await untilComplete(audience, published, quietMs)
  return { published: sum(published.values()), faults: faults.length, clients: counts }
}

interface Follower {
  readonly received: readonly Received[]
  stop(): void
}

function followWith(peer: Peer, url: string): Follower {
  const received: Received[] = []
  const stop = peer.follow(url, {
    onEvent: (event) => void received.push(event),
    onNotice: () => void received.push('notice'),
  })
  return { received, stop }
}

/** Publishes until every client has received an event, so that all are subscribed. */
async function untilAllReceive(audience: readonly Follower[], publisher: Publisher): Promise<void> {
  const until = AbortSignal.timeout(60_000)
  while (audience.some(({ received }) => received.length === 0)) {
    await publisher.publishNext(until)
    await sleep(300)
    until.throwIfAborted()
  }
}

/** Waits until every client has received everything, up to a time limit. */
async function untilComplete(
  audience: readonly Follower[],
  published: ReadonlyMap<string, number>,
  forMs: number,
): Promise<Counts[]> {
  const untilMs = performance.now() + forMs
  for (;;) {
    const counts = audience.map(({ received }) => count(received, published))
    if (counts.every(({ lost }) => lost === 0) || performance.now() > untilMs) return counts
    await sleep(1_000)
  }
}

async function cause(fault: Fault, fleet: Fleet, redis: RedisServer): Promise<void> {
  const { name, instance, forMs } = fault
  if (name === 'sockets cut') fleet.door.cut()
  else if (name === 'instance killed') await fleet.crash(instance, forMs / 3)
  else if (name === 'instance deployed') await fleet.deploy(instance)
  else if (name === 'instance frozen') await fleet.freeze(instance, forMs)
  else if (name === 'redis restarted') await redis.restart()
  else await killSubscribers(redis)
}

/** Kills the connections that wait for events: by pub/sub, or by reading a stream. */
async function killSubscribers({ admin }: RedisServer): Promise<void> {
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  const list = String(await admin.call('CLIENT', 'LIST'))
  for (const line of list.split('\n').filter((line) => line.includes(' cmd=xread '))) {
    const id = /^id=(\d+)/.exec(line)?.[1]
    if (id !== undefined) await admin.call('CLIENT', 'KILL', 'ID', id)
  }
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((all, number) => all + number, 0)
}
