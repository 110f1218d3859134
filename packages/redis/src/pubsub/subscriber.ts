import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import { backoffMs } from '../connection/clients.ts'
import type { Outage } from '../connection/outage.ts'
import { closedError, isRefusal, refused, unanswered } from '../errors.ts'
import { openPlaceConnection, type PlaceConnection } from './node-connection.ts'
import type { Places } from './nodes.ts'
import { confirmTopic, deliver, failTopics, joinTopic, type Topic } from './topic.ts'

/** A process's listeners, over one connection for each place where it listens. */
export interface Subscriber {
  /** Resolves when the channel is subscribed. Rejects with `BACKEND_UNAVAILABLE` if that isn't so in time. */
  listen(channel: string, listener: LogListener): Promise<Unlisten>
  /** Asks its connections for a sign of life now. */
  check(): void
  close(): void
}

/** What {@link createSubscriber} needs. */
export interface SubscriberOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly probeMs: number
  readonly places: Places
  readonly outage: Outage
  onError(error: unknown): void
}

/** Creates a subscriber. Its connections are opened at the first `listen`: who only publishes needs none. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  const { clock, timeoutMs, places } = options
  const topics = new Map<string, Topic>()
  const connections = new Map<string, PlaceConnection>()
  const closed = new AbortController()
  let hasBegun = false
  let arePlacesKnown = false
  let cancelSearch: (() => void) | undefined
  let searches = 0
  let lastError: unknown

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
  }

  async function begin(): Promise<void> {
    hasBegun = true
    await places.ready(closed.signal)
    if (closed.signal.aborted) return
    arePlacesKnown = true
    places.onRefresh(leaveWhatIsGone)
    settleAll()
  }

  function settleAll(): void {
    if (!closed.signal.aborted) settle([...topics.values()])
  }

  /** Closes connections to nodes that are no masters any more, and goes where their topics are told now. */
  function leaveWhatIsGone(): void {
    if (closed.signal.aborted) return
    for (const connection of connections.values()) {
      if (places.exists(connection.place)) continue
      for (const topic of topics.values()) if (topic.place === connection.place) lose(topic)
      close(connection)
    }
    settleAll()
  }

  /** Subscribes topics where they are told now, and no longer where they were told before. */
  function settle(wanted: readonly Topic[]): void {
    const moved = new Map<string, Topic[]>()
    for (const topic of wanted) {
      const place = places.of(topic.channel)
      if (place === topic.place) continue
      leave(topic)
      topic.place = place
      if (place === undefined) continue
      const arrived = moved.get(place)
      if (arrived) arrived.push(topic)
      else moved.set(place, [topic])
    }
    for (const [place, arrived] of moved) connectionAt(place).subscribe(arrived)
  }

  function leave(topic: Topic): void {
    if (topic.place !== undefined) connections.get(topic.place)?.unsubscribe(topic)
    lose(topic)
  }

  /** It isn't subscribed where it was. */
  function lose(topic: Topic): void {
    topic.confirmed = false
    topic.place = undefined
  }

  function connectionAt(place: string): PlaceConnection {
    const connection = connections.get(place) ?? open(place)
    connections.set(place, connection)
    return connection
  }

  function open(place: string): PlaceConnection {
    const here = (): Topic[] => [...topics.values()].filter((topic) => topic.place === place)
    return openPlaceConnection(place, {
      ...options,
      onError,
      onMessage: (name, message) => deliver(topics.get(name), message),
      topics: here,
      onSubscribed(topic) {
        searches = 0
        if (topic.place === place) confirmTopic(topic)
      },
      onRefused(topic, error) {
        if (isRefusal(error)) failTopics([topic], refused(error))
        if (topic.place === place) lose(topic)
        // Those who were told before still wait for more.
        if (topic.listeners.size > 0) search()
      },
      onMoved: places.refresh,
      onLost(lost) {
        for (const topic of lost) if (topic.place === place) lose(topic)
        if (lost.length > 0) search()
      },
      onDown() {
        for (const topic of here()) topic.confirmed = false
        places.refresh()
      },
    })
  }

  /** Looks again after a while, for what is told nowhere that we know. */
  function search(): void {
    cancelSearch ??= clock.after(backoffMs(clock, ++searches), () => {
      cancelSearch = undefined
      places.refresh()
      settleAll()
    })
  }

  function close(connection: PlaceConnection): void {
    connections.delete(connection.place)
    connection.close()
  }

  const joinOptions = {
    clock,
    timeoutMs,
    timeoutError: () => unanswered(timeoutMs, lastError),
    onEmpty(topic: Topic) {
      topics.delete(topic.channel)
      leave(topic)
    },
  }
  return {
    listen(channel, listener) {
      const known = topics.get(channel)
      const topic = known ?? { channel, listeners: new Set(), place: undefined, confirmed: false }
      topics.set(channel, topic)
      if (!hasBegun) void begin()
      if (known === undefined && arePlacesKnown) settle([topic])
      return joinTopic(topic, listener, joinOptions)
    },
    check() {
      for (const connection of connections.values()) connection.check()
    },
    close() {
      closed.abort()
      cancelSearch?.()
      for (const connection of connections.values()) close(connection)
      failTopics(topics.values(), closedError())
      for (const { listeners } of topics.values()) listeners.clear()
    },
  }
}
