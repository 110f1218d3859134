import type { Redis } from 'ioredis'
import { createCork } from '../connection/cork.ts'
import type { Nodes } from './nodes.ts'
import { ReconnectingConnection, type ReconnectingOptions } from './reconnecting-connection.ts'
import type { Topic } from './topic.ts'

/** Options and callbacks of a {@link NodeConnection}. */
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
   * Called when Redis refused a subscription. Not called if the connection broke: the next
   * connection subscribes again.
   */
  onRefused(topic: Topic, error: unknown): void
  /** Called when these topics have moved to another node. */
  onLost(topics: readonly Topic[]): void
  /** Called when any topic has moved to another node. */
  onMoved(): void
}

/**
 * The maximum number of channels in one SUBSCRIBE. A command with many thousands would block Redis
 * and this process.
 */
const channelsPerCommand = 1_000

/** The connection for subscriptions at one node. Reconnects when it is lost. */
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
   * Subscribes topics, now or once there is a connection. Commands are sent in the order of the
   * calls, so for one topic the last call counts.
   */
  subscribe(topics: readonly Topic[]): void {
    // One SSUBSCRIBE can't have channels of different slots.
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

  /** Drops the connection. A new one follows. */
  interrupt(): void {
    this.#connection.interrupt()
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

  /**
   * Confirms answered topics. Topics whose slot moved away in the same chunk of replies are lost.
   */
  #confirm(): void {
    const topics = this.#answered
    this.#answered = []
    const subscribed = this.#subscribedChannels()
    const { onSubscribed, onLost } = this.#options
    for (const topic of topics) if (subscribed.has(topic.channel)) onSubscribed(topic)
    onLost(topics.filter(({ channel }) => !subscribed.has(channel)))
  }

  /** Called once for each channel of a moved slot. Starts a single search for all of them. */
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

  /** The currently subscribed channels, according to the replies of Redis. */
  #subscribedChannels(): ReadonlySet<string> {
    const subscriptions = this.#client?.condition?.subscriber
    const kind = this.#isSharded() ? 'ssubscribe' : 'subscribe'
    return new Set(subscriptions ? subscriptions.channels(kind) : [])
  }

  #isSharded(): boolean {
    return this.#options.nodes.pubSub() === 'sharded'
  }
}
