import type { Clock, LogListener, StoredEvent, Unlisten } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { openLifeline } from './lifeline.ts'
import { closedError, isRefusal, refused, unanswered } from './replies.ts'

/** A process's listeners, over one connection. */
export interface Subscriber {
  /** Resolves when the channel is subscribed. Rejects with `BACKEND_UNAVAILABLE` if that isn't so in time. */
  listen(channel: string, listener: LogListener): Promise<Unlisten>
  close(): void
}

/** What {@link createSubscriber} needs. */
export interface SubscriberOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly probeMs: number
  /** Creates a client, unconnected, that doesn't connect again by itself. */
  create(signal: AbortSignal): Promise<Redis>
  onError(error: unknown): void
}

/** One channel that somebody listens to. Unsubscribed from and listened to again, it is another topic. */
interface Topic {
  readonly channel: string
  readonly listeners: Set<Listening>
  /** Whether the connection there is now has confirmed the subscription. */
  confirmed: boolean
}

/** One call of `listen`. */
interface Listening {
  readonly listener: LogListener
  /** The subscription is confirmed, for the first time or once more. */
  confirm(): void
  fail(error: unknown): void
}

/** Channels in one SUBSCRIBE: many thousands in one would keep Redis, and this process, from anything else. */
const channelsPerCommand = 1_000

/** Creates a subscriber. Its connection is opened at the first `listen`: who only publishes needs none. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  const topics = new Map<string, Topic>()
  let connection: Redis | undefined
  let closeLifeline: (() => void) | undefined

  function up(opened: Redis): void {
    connection = opened
    const wanted = [...topics.values()]
    for (let i = 0; i < wanted.length; i += channelsPerCommand) {
      subscribe(wanted.slice(i, i + channelsPerCommand))
    }
  }

  function down(): void {
    connection = undefined
    for (const topic of topics.values()) topic.confirmed = false
  }

  // Commands are written in the order of the calls, so that whatever overlaps, the last word on a channel holds.
  function subscribe(wanted: readonly Topic[]): void {
    const asked = connection
    asked?.subscribe(...wanted.map((topic) => topic.channel)).then(
      () => asked === connection && confirm(wanted),
      (error: unknown) => fail(wanted, error),
    )
  }

  function unsubscribe({ channel }: Topic): void {
    topics.delete(channel)
    // A connection that fails takes the subscription with it.
    connection?.unsubscribe(channel).catch(() => {})
  }

  function fail(wanted: readonly Topic[], error: unknown): void {
    options.onError(error)
    // The next connection subscribes again. What Redis refuses it will refuse then too.
    if (!isRefusal(error)) return
    for (const { listeners } of wanted) for (const listening of listeners) listening.fail(refused(error))
  }

  function listen(channel: string, listener: LogListener): Promise<Unlisten> {
    closeLifeline ??= openLifeline({
      ...options,
      onUp: up,
      onDown: down,
      onMessage: (name, message) => deliver(topics.get(name), message),
    })
    const known = topics.get(channel)
    const topic = known ?? { channel, listeners: new Set(), confirmed: false }
    topics.set(channel, topic)
    if (known === undefined) subscribe([topic])
    return join(topic, listener, options, unsubscribe)
  }

  function close(): void {
    closeLifeline?.()
    connection = undefined
    for (const { listeners } of topics.values()) {
      for (const listening of listeners) listening.fail(closedError())
      listeners.clear()
    }
    topics.clear()
  }

  return { listen, close }
}

function join(
  topic: Topic,
  listener: LogListener,
  { clock, timeoutMs }: SubscriberOptions,
  unsubscribe: (topic: Topic) => void,
): Promise<Unlisten> {
  return new Promise((resolve, reject) => {
    let live = false
    const leave = async (): Promise<void> => {
      if (topic.listeners.delete(listening) && topic.listeners.size === 0) unsubscribe(topic)
    }
    const cancel = clock.after(timeoutMs, () => listening.fail(unanswered(timeoutMs, undefined)))
    const listening: Listening = {
      listener,
      confirm() {
        if (live) return listener.onInterrupted()
        live = true
        cancel()
        resolve(leave)
      },
      fail(error) {
        if (live) return
        cancel()
        void leave()
        reject(error)
      },
    }
    topic.listeners.add(listening)
    if (topic.confirmed) listening.confirm()
  })
}

function confirm(topics: readonly Topic[]): void {
  for (const topic of topics) {
    topic.confirmed = true
    for (const listening of topic.listeners) tell(() => listening.confirm())
  }
}

/** Tells a topic's listeners of what the append script published: `<prev> <id> <payload>`. */
function deliver(topic: Topic | undefined, message: string): void {
  const event = parseMessage(message)
  if (topic === undefined || event === undefined) return
  for (const { listener } of topic.listeners) tell(() => listener.onEvent(event))
}

function parseMessage(message: string): StoredEvent | undefined {
  const prevEnd = message.indexOf(' ')
  const idEnd = message.indexOf(' ', prevEnd + 1)
  if (prevEnd < 0 || idEnd < 0) return undefined
  return {
    prev: message.slice(0, prevEnd),
    id: message.slice(prevEnd + 1, idEnd),
    data: message.slice(idEnd + 1),
  }
}

function tell(what: () => void): void {
  try {
    what()
  } catch {
    // A listener may not throw. One that does must not cost the others what they are told.
  }
}
