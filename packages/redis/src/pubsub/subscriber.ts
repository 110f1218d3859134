import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import { backoffMs } from '../connection/backoff.ts'
import type { Outage } from '../connection/outage.ts'
import { closedError, isRefusal, refused, unanswered } from '../errors.ts'
import { NodeConnection } from './node-connection.ts'
import type { Nodes } from './nodes.ts'
import { type JoinOptions, Topic } from './topic.ts'

/** Options of a {@link Subscriber}. */
export interface SubscriberOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly probeMs: number
  readonly nodes: Nodes
  readonly outage: Outage
  onError(error: unknown): void
}

/**
 * The listeners of a process. It has one connection to each node that its topics need, opened at
 * the first `listen`: a process that only publishes needs none.
 */
export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #joinOptions: JoinOptions
  readonly #topics = new Map<string, Topic>()
  readonly #connections = new Map<string, NodeConnection>()
  readonly #closed = new AbortController()
  #hasBegun = false
  #areNodesKnown = false
  #cancelSearch: (() => void) | undefined
  #searches = 0
  #lastError: unknown

  constructor(options: SubscriberOptions) {
    const { clock, timeoutMs } = options
    this.#options = options
    this.#joinOptions = {
      clock,
      timeoutMs,
      timeoutError: () => unanswered(timeoutMs, this.#lastError),
      onEmpty: (topic) => {
        this.#topics.delete(topic.channel)
        this.#leave(topic)
      },
    }
  }

  /**
   * Resolves when the channel is subscribed. Rejects with `BACKEND_UNAVAILABLE` after the timeout.
   */
  listen(channel: string, listener: LogListener): Promise<Unlisten> {
    const known = this.#topics.get(channel)
    const topic = known ?? new Topic(channel)
    this.#topics.set(channel, topic)
    if (!this.#hasBegun) void this.#begin()
    if (known === undefined && this.#areNodesKnown) this.#place([topic])
    return topic.join(listener, this.#joinOptions)
  }

  /** Pings all connections now. */
  probe(): void {
    for (const connection of this.#connections.values()) connection.probe()
  }

  /** Drops all connections. New ones follow. */
  interrupt(): void {
    for (const connection of this.#connections.values()) connection.interrupt()
  }

  close(): void {
    this.#closed.abort()
    this.#cancelSearch?.()
    for (const connection of this.#connections.values()) this.#close(connection)
    for (const topic of this.#topics.values()) topic.fail(closedError())
    for (const topic of this.#topics.values()) topic.close()
  }

  async #begin(): Promise<void> {
    const { nodes } = this.#options
    this.#hasBegun = true
    await nodes.ready(this.#closed.signal)
    if (this.#closed.signal.aborted) return
    this.#areNodesKnown = true
    nodes.onRefresh(() => this.#leaveLostNodes())
    this.#placeAll()
  }

  #placeAll(): void {
    if (!this.#closed.signal.aborted) this.#place([...this.#topics.values()])
  }

  /**
   * Closes connections to nodes that are no longer masters, and subscribes their topics elsewhere.
   */
  #leaveLostNodes(): void {
    if (this.#closed.signal.aborted) return
    for (const connection of this.#connections.values()) {
      if (this.#options.nodes.exists(connection.node)) continue
      for (const topic of this.#topicsAt(connection.node)) topic.lose()
      this.#close(connection)
    }
    this.#placeAll()
  }

  /** Subscribes topics at their current nodes, and unsubscribes them at their previous ones. */
  #place(topics: readonly Topic[]): void {
    const moved = new Map<string, Topic[]>()
    for (const topic of topics) {
      const node = this.#options.nodes.of(topic.channel)
      if (node === topic.node) continue
      this.#leave(topic)
      topic.node = node
      if (node === undefined) continue
      const arrived = moved.get(node)
      if (arrived) arrived.push(topic)
      else moved.set(node, [topic])
    }
    for (const [node, arrived] of moved) this.#connectionTo(node).subscribe(arrived)
  }

  #leave(topic: Topic): void {
    if (topic.node !== undefined) this.#connections.get(topic.node)?.unsubscribe(topic)
    topic.lose()
  }

  #topicsAt(node: string): Topic[] {
    return [...this.#topics.values()].filter((topic) => topic.node === node)
  }

  #connectionTo(node: string): NodeConnection {
    const connection = this.#connections.get(node) ?? this.#connect(node)
    this.#connections.set(node, connection)
    return connection
  }

  #connect(node: string): NodeConnection {
    const { nodes, ...shared } = this.#options
    return new NodeConnection(node, {
      ...shared,
      nodes,
      topics: () => this.#topicsAt(node),
      onMessage: (channel, message) => this.#topics.get(channel)?.deliver(message),
      onMoved: () => nodes.refresh(),
      onSubscribed: (topic) => {
        this.#searches = 0
        if (topic.node === node) topic.confirm()
      },
      onRefused: (topic, error) => this.#refused(topic, node, error),
      onLost: (topics) => {
        for (const topic of topics) if (topic.node === node) topic.lose()
        if (topics.length > 0) this.#search()
      },
      onDown: () => {
        for (const topic of this.#topicsAt(node)) topic.isConfirmed = false
        nodes.refresh()
      },
      onError: (error) => {
        this.#lastError = error
        shared.onError(error)
      },
    })
  }

  #refused(topic: Topic, node: string, error: unknown): void {
    if (isRefusal(error)) topic.fail(refused(error))
    if (topic.node === node) topic.lose()
    // `fail` rejects only new listeners. Earlier ones still wait for events.
    if (topic.hasListeners) this.#search()
  }

  /** After a delay, searches again for the nodes of topics that are not subscribed anywhere. */
  #search(): void {
    const { clock, nodes } = this.#options
    this.#cancelSearch ??= clock.after(backoffMs(clock, ++this.#searches), () => {
      this.#cancelSearch = undefined
      nodes.refresh()
      this.#placeAll()
    })
  }

  #close(connection: NodeConnection): void {
    this.#connections.delete(connection.node)
    connection.close()
  }
}
