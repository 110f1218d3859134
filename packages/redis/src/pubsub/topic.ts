import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import { interruption, noticePrefix } from '../commands/scripts/append.ts'
import { parseMessage } from '../commands/scripts/replies.ts'

/** One pub/sub channel that somebody listens to. Left by all and listened to again, it is another topic. */
export interface Topic {
  readonly channel: string
  readonly listeners: Set<Listening>
  /** Where it is subscribed, or will be; `undefined` until that is known. */
  place: string | undefined
  /** Whether the connection there is now has confirmed the subscription. */
  confirmed: boolean
}

/** One call of `listen`. */
interface Listening {
  readonly listener: LogListener
  /** The subscription is confirmed, for the first time or once more. */
  confirm(): void
  /** It won't be. Without effect once it was. */
  fail(error: unknown): void
}

/** What {@link joinTopic} needs. */
export interface JoinOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** The error to reject with when the time is up. */
  timeoutError(): unknown
  /** The last listener has left. */
  onEmpty(topic: Topic): void
}

/** Adds a listener to a topic. Resolves when the subscription is confirmed; rejects when the time is up. */
export function joinTopic(
  topic: Topic,
  listener: LogListener,
  options: JoinOptions,
): Promise<Unlisten> {
  return new Promise((resolve, reject) => {
    let live = false
    const leave = async (): Promise<void> => {
      if (topic.listeners.delete(listening) && topic.listeners.size === 0) options.onEmpty(topic)
    }
    const cancel = options.clock.after(options.timeoutMs, () =>
      listening.fail(options.timeoutError()),
    )
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

/** Tells a topic that its subscription is confirmed: whoever waits for that goes on, the others may have missed hints. */
export function confirmTopic(topic: Topic): void {
  topic.confirmed = true
  for (const listening of topic.listeners) tell(() => listening.confirm())
}

/** Rejects whoever waits for the subscription of one of these topics. */
export function failTopics(topics: Iterable<Topic>, error: unknown): void {
  for (const { listeners } of topics) for (const listening of listeners) listening.fail(error)
}

/** Notifies a topic's listeners of what a script published: `<prev> <id> <payload>`, or that they are to read the log. */
export function deliver(topic: Topic | undefined, message: string): void {
  if (topic === undefined) return
  if (message.startsWith(noticePrefix)) {
    const text = message.slice(noticePrefix.length)
    for (const { listener } of topic?.listeners ?? []) tell(() => listener.onNotice?.(text))
    return
  }
  if (message === interruption) {
    for (const { listener } of topic.listeners) tell(() => listener.onInterrupted())
    return
  }
  const event = parseMessage(message)
  if (event === undefined) return
  for (const { listener } of topic.listeners) tell(() => listener.onEvent(event))
}

function tell(what: () => void): void {
  try {
    what()
  } catch {
    // A listener may not throw. One that does must not cost the others what they are told.
  }
}
