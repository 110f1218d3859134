import { type DumpedKey, RedisModel, type RedisModelOptions } from '../redis-model.ts'
import { CommandError, ok, type Reply, Status } from '../reply.ts'
import type { SessionServer, ShardSubscriber } from '../session.ts'
import { slotOf } from './hash-slot.ts'
import { clusterHost } from './host.ts'
import { type CommandKeys, keysOf } from './keys-of.ts'
import { type MigrationSource, migrate } from './migrate.ts'
import { clusterDown, crossSlot, redirection, tryAgain } from './redirection.ts'
import { type SlotStates, setSlot } from './set-slot.ts'
import type { SlotMap } from './slot-map.ts'

/** Options of {@link ClusterNode}. */
export interface ClusterNodeOptions extends Pick<RedisModelOptions, 'nowMicros' | 'onCommand'> {
  readonly id: string
  readonly port: number
  /** The slots, as this node knows them. */
  readonly slots: SlotMap
  /** All nodes, this one included. */
  readonly peers: () => readonly ClusterNode[]
}

/** A node of a Cluster: a Redis that serves its own slots, and sends clients to others. */
export class ClusterNode implements SessionServer, SlotStates, MigrationSource {
  readonly id: string
  readonly port: number
  readonly slots: SlotMap
  readonly model: RedisModel
  /** The slots that this node is giving away, each with the id of the node that gets it. */
  readonly migrating = new Map<number, string>()
  /** The slots that this node is receiving, each with the id of the node that has it. */
  readonly importing = new Map<number, string>()
  /** Whether this node knows of a master that is gone. It serves nothing then. */
  isClusterDown = false
  /** Whether clients may use sharded pub/sub. */
  hasShardedPubSub = true
  readonly #peers: () => readonly ClusterNode[]
  readonly #shardSubscribers = new Map<string, Set<ShardSubscriber>>()

  constructor({ id, port, slots, peers, ...options }: ClusterNodeOptions) {
    this.id = id
    this.port = port
    this.slots = slots
    this.#peers = peers
    this.model = new RedisModel({
      ...options,
      onPublish(channel, message) {
        for (const peer of peers()) if (peer.id !== id) peer.model.deliver(channel, message)
      },
    })
  }

  readonly shards = {
    subscribe: (channel: string, subscriber: ShardSubscriber): (() => void) | CommandError =>
      this.#subscribeToShard(channel, subscriber),
  }

  run(command: readonly string[], isAsking = false): Reply {
    const [name = '', ...args] = command
    switch (name.toUpperCase()) {
      case 'CLUSTER':
        return this.#cluster(args)
      case 'MIGRATE':
        return migrate(this, args)
      case 'COMMAND':
        return this.#commandInfo(args)
      case 'READONLY':
      case 'READWRITE':
        return ok
      default:
        return this.#refusal(keysOf(name.toUpperCase(), args), isAsking) ?? this.model.run(command)
    }
  }

  subscribe(channel: string, onMessage: (message: string) => void): () => void {
    return this.model.subscribe(channel, onMessage)
  }

  peerAt(port: number): ClusterNode | undefined {
    return this.#peers().find((peer) => peer.port === port)
  }

  portOf(id: string): number {
    return this.#peers().find((peer) => peer.id === id)?.port ?? 0
  }

  /** The keys of a slot. */
  keysIn(slot: number): string[] {
    return this.model.names().filter((name) => slotOf(name) === slot)
  }

  /** Takes a key from a node that gives its slot away. Returns why it can't. */
  receive(name: string, key: DumpedKey, replaces: boolean): CommandError | undefined {
    const refusal = this.#refusal({ keys: [name], areChannels: false }, true)
    if (refusal) return refusal
    if (this.model.has(name) && !replaces)
      return new CommandError('BUSYKEY Target key name already exists.')
    this.model.load(name, key)
    return undefined
  }

  /** Ends the subscriptions to channels of a slot that changes hands. */
  leaveChannels(slot: number): void {
    for (const [channel, subscribers] of this.#shardSubscribers)
      if (slotOf(channel) === slot) for (const subscriber of [...subscribers]) subscriber.onMoved()
  }

  /** Ends all subscriptions to channels of slots that this node doesn't have any more. */
  leaveLostChannels(): void {
    for (const channel of this.#shardSubscribers.keys()) {
      const slot = slotOf(channel)
      if (this.slots.ownerOf(slot) !== this.id) this.leaveChannels(slot)
    }
  }

  #subscribeToShard(channel: string, subscriber: ShardSubscriber): (() => void) | CommandError {
    const refusal = this.#refusal({ keys: [channel], areChannels: true }, false)
    if (refusal) return refusal
    const subscribers = this.#shardSubscribers.get(channel) ?? new Set()
    this.#shardSubscribers.set(channel, subscribers)
    subscribers.add(subscriber)
    const end = this.model.subscribeToShard(channel, subscriber.onMessage)
    return () => {
      end()
      subscribers.delete(subscriber)
      if (subscribers.size === 0) this.#shardSubscribers.delete(channel)
    }
  }

  /** Why this node doesn't run a command on these keys; `undefined` if it does. */
  #refusal({ keys, areChannels }: CommandKeys, isAsking: boolean): CommandError | undefined {
    const [first] = keys
    if (first === undefined) return undefined
    const slot = slotOf(first)
    if (keys.some((key) => slotOf(key) !== slot)) return crossSlot()
    if (this.isClusterDown) return clusterDown()
    const owner = this.slots.ownerOf(slot)
    const missing = areChannels ? [] : keys.filter((key) => !this.model.has(key))
    const isPartial = missing.length > 0 && missing.length < keys.length
    const next = owner === this.id ? this.migrating.get(slot) : undefined
    if (next !== undefined && missing.length > 0)
      return isPartial ? tryAgain() : redirection('ASK', slot, this.portOf(next))
    if (owner === this.id) return undefined
    if (!this.importing.has(slot) || !isAsking)
      return redirection('MOVED', slot, this.portOf(owner))
    return new Set(keys).size > 1 && missing.length > 0 ? tryAgain() : undefined
  }

  #cluster([action = '', ...args]: readonly string[]): Reply {
    switch (action.toUpperCase()) {
      case 'SLOTS':
        return this.slots
          .ranges()
          .map(({ from, to, owner }) => [from, to, [clusterHost, this.portOf(owner), owner, []]])
      case 'INFO':
        return `cluster_state:${this.isClusterDown ? 'fail' : 'ok'}\r\n`
      case 'MYID':
        return this.id
      case 'KEYSLOT':
        return slotOf(args[0] ?? '')
      case 'COUNTKEYSINSLOT':
        return this.keysIn(Number(args[0])).length
      case 'SETSLOT':
        return setSlot(this, args)
      default:
        return new CommandError(`ERR unknown subcommand '${action}'. Try CLUSTER HELP.`)
    }
  }

  /** COMMAND INFO, of which clients read whether there is such a command. */
  #commandInfo([, ...names]: readonly string[]): Reply {
    const isKnown = (name: string): boolean =>
      this.hasShardedPubSub || !['spublish', 'ssubscribe'].includes(name.toLowerCase())
    return names.map((name) =>
      isKnown(name) ? [name.toLowerCase(), 3, [new Status('fast')]] : null,
    )
  }
}
