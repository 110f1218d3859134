import type { Redis } from 'ioredis'
import { createCork } from '../connection/cork.ts'
import type { Nodes } from './nodes.ts'
import { ReconnectingConnection, type ReconnectingOptions } from './reconnecting-connection.ts'
import type { Topic } from './topic.ts'

/** What a {@link NodeConnection} needs, and whom it calls. */
export interface NodeConnectionOptions
  extends Pick<
    ReconnectingOptions,
    'clock' | 'timeoutMs' | 'probeMs' | 'outage' | 'onMessage' | 'onDown' | 'onError'
  > {
  readonly nodes: Nodes
  /** The topics to subscribe on each new connection. */
  topics(): readonly Topic[]
  onSubscribed(topic: Topic): void
  /**
   * Called when Redis refused a subscription. One that fails with its connection is subscribed on
   * the next.
   */
  onRefused(topic: Topic, error: unknown): void
  /** Called when these topics have moved to another node. */
  onLost(topics: readonly Topic[]): void
  /** Called when any topic has moved to another node. */
  onMoved(): void
}

/**
 * Channels in one SUBSCRIBE. One command with many thousands would keep Redis and this process from
 * anything else.
 */
const channelsPerCommand = 1_000

/** A connection for subscriptions at one node, kept open. */
export class NodeConnection {
  readonly node: string
  readonly #options: NodeConnectionOptions
  readonly #connection: ReconnectingConnection
  #client: Redis | undefined
  #cork = (): void => {}
  #answered: readonly Topic[] = []
  #hasMoved = false
  #isClosed = false

  constructor(node: string, options: NodeConnectionOptions) {
    this.node = node
    this.#options = options
    this.#connection = new ReconnectingConnection({
      ...options,
      create: () => options.nodes.connect(node),
      onUp: (client) => this.#start(client),
      onDown: () => {
        this.#client = undefined
        if (!this.#isClosed) options.onDown()
      },
      onMoved: () => this.#moved(),
    })
  }

  /**
   * Subscribes topics, once there is a connection. Commands are written in the order of the calls:
   * of two that overlap, the later one holds.
   */
  subscribe(topics: readonly Topic[]): void {
    // Sharded channels of different slots don't fit into one command.
    const perCommand = this.#isSharded() ? 1 : channelsPerCommand
    for (let i = 0; i < topics.length; i += perCommand)
      this.#subscribeTogether(topics.slice(i, i + perCommand))
  }

  unsubscribe({ channel }: Topic): void {
    const client = this.#client
    this.#cork()
    const reply = this.#isSharded() ? client?.sunsubscribe(channel) : client?.unsubscribe(channel)
    reply?.catch(() => {})
  }

  /** Pings the connection now. */
  probe(): void {
    this.#connection.probe()
  }

  close(): void {
    this.#isClosed = true
    this.#client = undefined
    this.#connection.close()
  }

  #start(client: Redis): void {
    this.#client = client
    this.#cork = createCork(client)
    this.subscribe(this.#options.topics())
  }

  #subscribeTogether(topics: readonly Topic[]): void {
    const client = this.#client
    if (client === undefined) return
    const channels = topics.map(({ channel }) => channel)
    this.#cork()
    const reply = this.#isSharded() ? client.ssubscribe(...channels) : client.subscribe(...channels)
    reply.then(
      () => {
        if (client !== this.#client) return
        if (this.#answered.length === 0) queueMicrotask(() => this.#confirm())
        this.#answered = this.#answered.concat(topics)
      },
      (error: unknown) => {
        if (client !== this.#client) return
        this.#options.onError(error)
        for (const topic of topics) this.#options.onRefused(topic, error)
      },
    )
  }

  /** Confirms answered topics, but for those whose slot moved away in the same chunk of replies. */
  #confirm(): void {
    const topics = this.#answered
    this.#answered = []
    const subscribed = this.#subscribedChannels()
    const { onSubscribed, onLost } = this.#options
    for (const topic of topics) if (subscribed.has(topic.channel)) onSubscribed(topic)
    onLost(topics.filter(({ channel }) => !subscribed.has(channel)))
  }

  /** A slot with many channels says so for each of them: look once for all. */
  #moved(): void {
    if (!this.#hasMoved) queueMicrotask(() => this.#findLost())
    this.#hasMoved = true
  }

  #findLost(): void {
    this.#hasMoved = false
    if (this.#client === undefined) return
    const subscribed = this.#subscribedChannels()
    const { onMoved, onLost, topics } = this.#options
    onMoved()
    onLost(topics().filter(({ isConfirmed, channel }) => isConfirmed && !subscribed.has(channel)))
  }

  /** What the connection is subscribed to, by what Redis has confirmed and ended. */
  #subscribedChannels(): ReadonlySet<string> {
    const subscriptions = this.#client?.condition?.subscriber
    const kind = this.#isSharded() ? 'ssubscribe' : 'subscribe'
    return new Set(subscriptions ? subscriptions.channels(kind) : [])
  }

  #isSharded(): boolean {
    return this.#options.nodes.pubSub() === 'sharded'
  }
}
