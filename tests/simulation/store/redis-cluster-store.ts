import type { Socket } from 'node:net'
import type { Cluster } from 'ioredis'
import { type Chance, chanceFor } from '../chance.ts'
import { SimulatedProcess } from '../process.ts'
import { ClusterModel } from '../redis/cluster/cluster-model.ts'
import type { ClusterNode } from '../redis/cluster/cluster-node.ts'
import { slotOf } from '../redis/cluster/hash-slot.ts'
import { createClusterClient } from '../redis/connector.ts'
import type { Keyspace } from '../redis/keyspace.ts'
import type { Timeline } from '../timeline.ts'
import type { Trace } from '../trace.ts'
import { Facts } from './facts.ts'
import { RedisConnection } from './redis-connection.ts'
import { recordCommands, roomOfName } from './redis-facts.ts'
import type { OldMaster, RedisAccess, RedisServer } from './redis-server.ts'
import { SlotMove } from './slot-move.ts'
import type { SimulatedStore, StoreConnectionOptions } from './store.ts'

/** A node, as connections have it. */
interface NodeServer extends RedisServer {
  isDown: boolean
  readonly node: ClusterNode
}

const masterPorts = [7_001, 7_002, 7_003]
/** The replica of each master. A master that was replaced is the replica of the new one. */
const replicaPorts = [7_011, 7_012, 7_013]
/** When the other nodes find that a master is gone. They serve nothing until it is replaced. */
const nodeTimeoutMs = 500

/** The model of a Redis Cluster that all instances share, each over connections of its own. */
export class RedisClusterStore implements SimulatedStore, RedisAccess {
  readonly process: SimulatedProcess
  readonly facts: Facts
  readonly #cluster: ClusterModel
  readonly #servers: readonly NodeServer[]
  readonly #timeline: Timeline
  readonly #trace: Trace
  readonly #chance: Chance
  readonly #connections = new Set<RedisConnection>()
  readonly #moves = new Set<SlotMove>()
  #isFailingOver = false

  constructor(timeline: Timeline, trace: Trace, seed: number) {
    const chance = chanceFor(seed, 'store')
    this.facts = new Facts(trace)
    this.#timeline = timeline
    this.#trace = trace
    this.#chance = chanceFor(seed, 'cluster store')
    this.process = new SimulatedProcess({ name: 'store', timeline, chance, offsetMs: 0 })
    const address = (port: number) => ({ id: String(port).padStart(40, '0'), port })
    this.#cluster = new ClusterModel({
      nowMicros: () => this.process.clock.now() * 1_000,
      onCommand: recordCommands(this.facts),
      masters: masterPorts.map(address),
      others: replicaPorts.map(address),
    })
    const hasShardedPubSub = this.#chance.is(0.7)
    for (const node of this.#cluster.nodes) node.hasShardedPubSub = hasShardedPubSub
    this.#servers = this.#cluster.nodes.map((node) => ({
      node,
      process: this.process,
      isDown: false,
      master: node,
      replica: node,
    }))
  }

  get listeners(): number {
    const channels = this.#cluster.nodes.flatMap(({ model }) => model.channels())
    return channels.filter((channel) => this.facts.isRoom(roomOfName(channel))).length
  }

  leftovers(): readonly string[] {
    const open = [...this.#connections].reduce((sum, { sockets }) => sum + sockets, 0)
    const keys = this.#cluster.nodes.flatMap(({ model }) => model.keys())
    const endless = keys.filter(([, lifeMs]) => lifeMs === Infinity)
    return [
      ...(open > 0 ? [`Redis still has ${open} connections`] : []),
      ...endless.map(([name]) => `the key ${name} never expires`),
    ]
  }

  connect(options: StoreConnectionOptions): RedisConnection {
    const connection = new RedisConnection({ ...options, store: this })
    this.#connections.add(connection)
    return connection
  }

  createClient(open: (server: RedisServer) => Socket): Cluster {
    return createClusterClient([...masterPorts, ...replicaPorts], (port) =>
      open(this.#serverOf(this.#cluster.at(port))),
    )
  }

  flush(): void {
    for (const { model } of this.#cluster.nodes) model.restore()
    this.facts.flushed()
  }

  /** Forgets the scripts that the nodes know. */
  forgetScripts(): void {
    for (const node of this.#cluster.nodes) node.run(['SCRIPT', 'FLUSH'])
  }

  /** No node has any memory left for a while. */
  fill(forMs: number): void {
    const setFull = (isFull: boolean): void => {
      for (const { model } of this.#cluster.nodes) model.isFull = isFull
    }
    setFull(true)
    this.#timeline.after(forMs, () => setFull(false))
  }

  /** Drops a key of a room that wasn't used for long: its events, or what is known of its log. */
  evict(room: string, what: 'log' | 'last'): void {
    for (const { model } of this.#cluster.nodes)
      for (const [name] of model.keys()) {
        if (roomOfName(name) !== room || !name.endsWith(`:${what}`)) continue
        model.evict(name)
        this.facts.emptied(room, `lost its ${what} key`)
      }
  }

  /** Moves one of the slots that are in use to the next master, key by key, while it is in use. */
  moveSlot(which: number, forMs: number): void {
    if (this.#isFailingOver) return
    const names = this.#cluster.nodes.flatMap(({ model }) => model.names()).toSorted()
    const ofRooms = names.filter((name) => this.facts.isRoom(roomOfName(name)))
    // Links and halls have logs, too.
    const slots = [...new Set((which % 2 === 0 ? ofRooms : names).map(slotOf))]
    const slot = slots[which % slots.length]
    if (slot === undefined || [...this.#moves].some((move) => move.slot === slot)) return
    const masters = this.#masters()
    const source = masters.find(({ id, slots: own }) => own.ownerOf(slot) === id)
    if (!source) return
    const target = masters[(masters.indexOf(source) + 1) % masters.length] ?? source
    const move = new SlotMove({
      slot,
      source,
      target,
      others: this.#cluster.nodes.filter((node) => node !== source && node !== target),
      forMs,
      timeline: this.#timeline,
      trace: this.#trace,
      gossipMs: () => this.#chance.delayMs(100),
      isUp: () => [source, target].every((node) => this.#isUp(node)),
      onOver: () => this.#moves.delete(move),
    })
    this.#moves.add(move)
  }

  /** A master ends, and is there again after a while with all its keys. */
  restart(which: number, forMs: number): void {
    const node = this.#masters()[which]
    if (!node || this.#isFailingOver) return
    this.#end(node, 'is gone', forMs)
    node.run(['SCRIPT', 'FLUSH'])
    this.#timeline.after(forMs, () => this.#open(node))
  }

  /** The replica of a master has nothing of what is stored from now on; then it is promoted. */
  failOver(which: number, lagMs: number, forMs: number, oldMaster: OldMaster): void {
    const old = this.#masters()[which]
    // An operator doesn't move slots meanwhile: replicas don't know of such moves.
    if (!old || this.#isFailingOver || this.#moves.size > 0 || this.#serverOf(old).isDown) return
    this.#isFailingOver = true
    const keys = old.model.snapshot()
    const lengths = this.facts.lengths()
    const { resets } = this.facts
    this.#timeline.after(lagMs, () => {
      this.#end(old, oldMaster, forMs)
      // A log that was emptied meanwhile would have its events again.
      const isFresh = resets === this.facts.resets
      if (isFresh) this.facts.failedOver(this.#lengthsAfter(old, lengths))
      const next = isFresh ? keys : old.model.snapshot()
      this.#timeline.after(forMs, () => this.#promote(old, next))
    })
  }

  /** How many events each log has once a node has lost what it stored after these lengths. */
  #lengthsAfter(old: ClusterNode, lengths: ReadonlyMap<string, number>): Map<string, number> {
    const rooms = new Set(old.model.names().map(roomOfName))
    const now = [...this.facts.lengths()]
    return new Map(
      now.map(([room, length]) => [room, rooms.has(room) ? (lengths.get(room) ?? 0) : length]),
    )
  }

  #promote(old: ClusterNode, keys: Keyspace): void {
    const ports = [...masterPorts, ...replicaPorts]
    const index = ports.indexOf(old.port)
    const next = this.#cluster.at(ports[(index + masterPorts.length) % ports.length] ?? 0)
    next.model.restart(keys)
    old.model.restart()
    for (const { slots } of this.#cluster.nodes) slots.replace(old.id, next.id)
    old.leaveLostChannels()
    this.#isFailingOver = false
    this.#trace.add('store', `${next.port} replaces ${old.port}`)
    this.#open(old)
  }

  /** A master is gone, or can't be reached, for a while. */
  #end(node: ClusterNode, how: OldMaster, forMs: number): void {
    const server = this.#serverOf(node)
    server.isDown = how !== 'refuses writes'
    node.isClusterDown = how === 'refuses writes'
    this.#trace.add('store', `${node.port} ${how}`)
    for (const connection of this.#connections) connection.masterEnds(how, server)
    if (forMs <= nodeTimeoutMs) return
    this.#timeline.after(nodeTimeoutMs, () => {
      for (const other of this.#cluster.nodes) other.isClusterDown = true
    })
  }

  #open(node: ClusterNode): void {
    this.#serverOf(node).isDown = false
    if (this.#servers.some(({ isDown }) => isDown)) return
    for (const each of this.#cluster.nodes) each.isClusterDown = false
    this.#trace.add('store', 'all nodes accept connections again')
  }

  #isUp(node: ClusterNode): boolean {
    return !this.#serverOf(node).isDown && !node.isClusterDown
  }

  #masters(): ClusterNode[] {
    return this.#cluster.nodes.filter(({ id, slots }) =>
      slots.ranges().some(({ owner }) => owner === id),
    )
  }

  #serverOf(node: ClusterNode): NodeServer {
    const server = this.#servers.find((each) => each.node === node)
    if (!server) throw new Error(`There is no server for ${node.port}.`)
    return server
  }
}
