import type { Redis } from 'ioredis'
import { createCork } from '../connection/cork.ts'
import type { PubSub } from '../connection/readiness.ts'
import type { Places } from './nodes.ts'
import { type LifelineOptions, openLifeline } from './reconnecting-connection.ts'
import type { Topic } from './topic.ts'

/** A connection for subscriptions at one place. */
export interface PlaceConnection {
  readonly place: string
  /** Subscribes topics, once there is a connection. */
  subscribe(topics: readonly Topic[]): void
  unsubscribe(topic: Topic): void
  /** Asks the connection for a sign of life now. */
  check(): void
  close(): void
}

/** What {@link openPlaceConnection} needs, and whom it tells. */
export interface PlaceConnectionOptions
  extends Pick<
    LifelineOptions,
    'clock' | 'timeoutMs' | 'probeMs' | 'outage' | 'onMessage' | 'onDown' | 'onError'
  > {
  readonly places: Places
  /** What is to be subscribed on each new connection. */
  topics(): readonly Topic[]
  onSubscribed(topic: Topic): void
  /** Redis has refused it. What fails with the connection isn't told: the next one subscribes it. */
  onRefused(topic: Topic, error: unknown): void
  /** Redis tells them elsewhere now. */
  onLost(topics: readonly Topic[]): void
  /** Redis tells something elsewhere now. */
  onMoved(): void
}

/** Channels in one SUBSCRIBE: many thousands in one would keep Redis, and this process, from anything else. */
const channelsPerCommand = 1_000

/** Opens a connection for subscriptions, and keeps it open. */
export function openPlaceConnection(
  place: string,
  options: PlaceConnectionOptions,
): PlaceConnection {
  const { places } = options
  let connection: Redis | undefined
  let cork = (): void => {}
  let answered: readonly Topic[] = []
  let hasMoved = false
  let isClosed = false

  // Commands are written in the order of the calls, so that whatever overlaps, the last word on a channel holds.
  function subscribe(topics: readonly Topic[]): void {
    // Sharded ones of different slots don't fit into one command.
    const perCommand = places.pubSub() === 'sharded' ? 1 : channelsPerCommand
    for (let i = 0; i < topics.length; i += perCommand)
      subscribeAtOnce(topics.slice(i, i + perCommand))
  }

  function subscribeAtOnce(topics: readonly Topic[]): void {
    const asked = connection
    if (asked === undefined) return
    const channels = topics.map(({ channel }) => channel)
    cork()
    const answer =
      places.pubSub() === 'sharded' ? asked.ssubscribe(...channels) : asked.subscribe(...channels)
    answer.then(
      () => {
        if (asked !== connection) return
        if (answered.length === 0) queueMicrotask(confirm)
        answered = answered.concat(topics)
      },
      (error: unknown) => {
        if (asked !== connection) return
        options.onError(error)
        for (const topic of topics) options.onRefused(topic, error)
      },
    )
  }

  /** An answer may have come together with the word that the channel is told elsewhere now. */
  function confirm(): void {
    const topics = answered
    answered = []
    const still = new Set(channelsOn(connection, places.pubSub()))
    for (const topic of topics) if (still.has(topic.channel)) options.onSubscribed(topic)
    options.onLost(topics.filter(({ channel }) => !still.has(channel)))
  }

  function lookForLost(): void {
    hasMoved = false
    if (connection === undefined) return
    const still = new Set(channelsOn(connection, places.pubSub()))
    options.onMoved()
    options.onLost(
      options.topics().filter(({ confirmed, channel }) => confirmed && !still.has(channel)),
    )
  }

  const lifeline = openLifeline({
    ...options,
    create: () => places.connect(place),
    onUp(opened) {
      connection = opened
      cork = createCork(opened)
      subscribe(options.topics())
    },
    onDown() {
      connection = undefined
      if (!isClosed) options.onDown()
    },
    onMoved() {
      // A slot with many channels says so for each of them.
      if (!hasMoved) queueMicrotask(lookForLost)
      hasMoved = true
    },
  })

  return {
    place,
    subscribe,
    unsubscribe({ channel }) {
      const asked = connection
      cork()
      const answer =
        places.pubSub() === 'sharded' ? asked?.sunsubscribe(channel) : asked?.unsubscribe(channel)
      answer?.catch(() => {})
    },
    check: lifeline.check,
    close() {
      isClosed = true
      connection = undefined
      lifeline.close()
    },
  }
}

/** What a connection is subscribed to, by what Redis has told it. */
function channelsOn(connection: Redis | undefined, pubSub: PubSub): readonly string[] {
  const subscriptions = connection?.condition?.subscriber
  return subscriptions
    ? subscriptions.channels(pubSub === 'sharded' ? 'ssubscribe' : 'subscribe')
    : []
}
