import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { untilNodesAgree } from '../../../support/cluster-slots.ts'
import type { RedisServer } from '../../../support/redis.ts'
import type { RedisCluster } from '../../../support/redis-cluster.ts'
import { CommandError, type Reply } from '../reply.ts'
import { comparable, type Difference, toReply } from '../twin.ts'
import { ClusterModel } from './cluster-model.ts'
import type { ClusterNode } from './cluster-node.ts'

/** A node of both Clusters. */
export interface NodeTwin {
  readonly id: string
  readonly port: number
  readonly model: ClusterNode
  /** Connections to the real node, for commands and for subscriptions. */
  readonly commands: Redis
  readonly subscriber: Redis
}

/** A real Cluster of three masters and the model beside it. */
export class ClusterTwin implements Disposable {
  readonly nodes: readonly NodeTwin[]
  readonly differences: Difference[] = []
  commands = 0
  /** The messages of sharded pub/sub: what the model has published, and what arrived from Redis. */
  readonly #published: string[] = []
  readonly #arrived: string[] = []
  readonly #cluster: RedisCluster
  readonly #ends = new Map<string, () => void>()

  private constructor(cluster: RedisCluster, nodes: readonly NodeTwin[]) {
    this.#cluster = cluster
    this.nodes = nodes
    for (const { subscriber, port } of nodes)
      subscriber.on('smessage', (channel, message) =>
        this.#arrived.push(`${port} ${channel} ${message}`),
      )
  }

  static async create(cluster: RedisCluster): Promise<ClusterTwin> {
    const masters = await Promise.all(
      cluster.nodes.map(async ({ admin, port }) => ({
        id: String(await admin.cluster('MYID')),
        port,
      })),
    )
    const model = new ClusterModel({ masters, nowMicros: () => Date.now() * 1_000 })
    const connect = ({ admin }: RedisServer): Redis =>
      admin.duplicate({ protocol: 2, lazyConnect: false })
    const nodes = cluster.nodes.map((server, i) => ({
      id: masters[i]?.id ?? '',
      port: server.port,
      model: model.at(server.port),
      commands: connect(server),
      subscriber: connect(server),
    }))
    return new ClusterTwin(cluster, nodes)
  }

  /** Waits until the real nodes agree on the slots, as those of the model do at once. */
  async agree(): Promise<void> {
    await untilNodesAgree(this.#cluster.nodes)
  }

  /** Deletes all keys. The slots stay where they are. */
  async empty(): Promise<void> {
    this.differences.length = 0
    for (const { commands, model } of this.nodes) {
      await commands.flushall()
      model.run(['FLUSHALL'])
    }
  }

  /** Runs a command at a node, after ASKING or without. Returns the reply of Redis. */
  async run(node: NodeTwin, command: readonly string[], isAsking = false): Promise<Reply> {
    const pipeline = node.commands.pipeline()
    if (isAsking) pipeline.call('asking')
    const [name = '', ...args] = command
    const results = (await pipeline.call(name, ...args).exec()) ?? []
    const [error, value] = results.at(-1) ?? []
    const reply = toReply(error ?? value)
    this.#compare([`${node.port}`, ...command], reply, node.model.run(command, isAsking))
    return reply
  }

  /** Subscribes to a channel of sharded pub/sub at a node, or ends that. */
  async subscribe(node: NodeTwin, channel: string): Promise<void> {
    const key = `${node.port} ${channel}`
    const error = await node.subscriber.ssubscribe(channel).then(
      () => null,
      (reason: Error) => new CommandError(reason.message),
    )
    const existing = this.#ends.get(key)
    if (existing) return
    const subscription = node.model.shards.subscribe(channel, {
      onMessage: (message) => this.#published.push(`${key} ${message}`),
      onMoved: () => this.unsubscribe(key),
    })
    if (subscription instanceof CommandError)
      return this.#compare(['SSUBSCRIBE', key], error, subscription)
    this.#compare(['SSUBSCRIBE', key], error, null)
    this.#ends.set(key, subscription)
  }

  unsubscribe(key: string): void {
    this.#ends.get(key)?.()
    this.#ends.delete(key)
  }

  /** Compares what nodes still have subscribed, and all messages. */
  async compareChannels(): Promise<void> {
    for (const { commands, subscriber, model, port } of this.nodes) {
      await subscriber.ping()
      const channels = (await commands.call('pubsub', 'shardchannels')) as string[]
      this.#compare([`${port}`, 'SHARDCHANNELS'], channels.sort(), model.model.channels().sort())
      for (const channel of channels) {
        await subscriber.sunsubscribe(channel)
        this.unsubscribe(`${port} ${channel}`)
      }
    }
    this.#compare(['messages'], this.#arrived.splice(0).sort(), this.#published.splice(0).sort())
  }

  [Symbol.dispose](): void {
    for (const { commands, subscriber } of this.nodes) {
      commands.disconnect()
      subscriber.disconnect()
    }
  }

  #compare(command: readonly string[], expected: Reply, actual: Reply): void {
    this.commands += 1
    const [redis, model] = [comparable(expected), comparable(actual)]
    if (!isDeepStrictEqual(redis, model)) this.differences.push({ command, redis, model })
  }
}
