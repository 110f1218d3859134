import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import { openLifeline } from './lifeline.ts'
import { closedError, isRefusal, refused, unanswered } from './replies.ts'
import { confirmTopics, deliver, failTopics, joinTopic, type Topic } from './topic.ts'

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

/** Channels in one SUBSCRIBE: many thousands in one would keep Redis, and this process, from anything else. */
const channelsPerCommand = 1_000

/** Creates a subscriber. Its connection is opened at the first `listen`: who only publishes needs none. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  const topics = new Map<string, Topic>()
  let connection: Redis | undefined
  let closeLifeline: (() => void) | undefined
  let lastError: unknown

  function onError(error: unknown): void {
    lastError = error
    options.onError(error)
  }

  function onUp(opened: Redis): void {
    connection = opened
    const wanted = [...topics.values()]
    for (let i = 0; i < wanted.length; i += channelsPerCommand) {
      subscribe(wanted.slice(i, i + channelsPerCommand))
    }
  }

  function onDown(): void {
    connection = undefined
    for (const topic of topics.values()) topic.confirmed = false
  }

  // Commands are written in the order of the calls, so that whatever overlaps, the last word on a channel holds.
  // What fails with the connection is subscribed again by the next one; what Redis refuses, it would refuse again.
  function subscribe(wanted: readonly Topic[]): void {
    const asked = connection
    asked?.subscribe(...wanted.map((topic) => topic.channel)).then(
      () => asked === connection && confirmTopics(wanted),
      (error: unknown) => {
        onError(error)
        if (isRefusal(error)) failTopics(wanted, refused(error))
      },
    )
  }

  function unsubscribe({ channel }: Topic): void {
    topics.delete(channel)
    connection?.unsubscribe(channel).catch(() => {})
  }

  const { clock, timeoutMs } = options
  const joinOptions = {
    clock,
    timeoutMs,
    timeoutError: () => unanswered(timeoutMs, lastError),
    onEmpty: unsubscribe,
  }
  return {
    listen(channel, listener) {
      const onMessage = (name: string, message: string): void => deliver(topics.get(name), message)
      closeLifeline ??= openLifeline({ ...options, onUp, onDown, onMessage, onError })
      const known = topics.get(channel)
      const topic = known ?? { channel, listeners: new Set(), confirmed: false }
      topics.set(channel, topic)
      if (known === undefined) subscribe([topic])
      return joinTopic(topic, listener, joinOptions)
    },
    close() {
      closeLifeline?.()
      connection = undefined
      failTopics(topics.values(), closedError())
      for (const { listeners } of topics.values()) listeners.clear()
    },
  }
}
