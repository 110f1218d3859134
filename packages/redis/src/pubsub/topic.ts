import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import { interruption, noticePrefix, parseMessage } from '../messages.ts'

/** One call of `listen`. */
interface Listening {
  readonly listener: LogListener
  /** Called each time the subscription is confirmed. */
  confirm(): void
  /** Called when the subscription failed. Has no effect after a confirmation. */
  fail(error: unknown): void
}

/** Options of {@link Topic.join}. */
export interface JoinOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Creates the error for a `listen` that takes longer than `timeoutMs`. */
  timeoutError(): unknown
  /** Called when the last listener has left. */
  onEmpty(topic: Topic): void
}

/**
 * One pub/sub channel and its listeners. A topic ends with its last listener: a later listener of
 * the channel gets a new topic.
 */
export class Topic {
  readonly channel: string
  /** The node at which the topic is or will be subscribed; `undefined` while that is unknown. */
  node: string | undefined
  /** Whether the node's current connection has confirmed the subscription. */
  isConfirmed = false
  readonly #listeners = new Set<Listening>()

  constructor(channel: string) {
    this.channel = channel
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Adds a listener. Resolves when the subscription is confirmed; rejects after the timeout. */
  join(listener: LogListener, options: JoinOptions): Promise<Unlisten> {
    return new Promise((resolve, reject) => {
      let isLive = false
      const leave = async (): Promise<void> => {
        if (this.#listeners.delete(listening) && !this.hasListeners) options.onEmpty(this)
      }
      const timeOut = (): void => listening.fail(options.timeoutError())
      const cancel = options.clock.after(options.timeoutMs, timeOut)
      const listening: Listening = {
        listener,
        confirm() {
          if (isLive) return listener.onInterrupted()
          isLive = true
          cancel()
          resolve(leave)
        },
        fail(error) {
          if (isLive) return
          cancel()
          void leave()
          reject(error)
        },
      }
      this.#listeners.add(listening)
      if (this.isConfirmed) listening.confirm()
    })
  }

  /**
   * Marks the subscription as confirmed. New listeners become live. The others may have missed
   * notifications, so they read the log.
   */
  confirm(): void {
    this.isConfirmed = true
    for (const listening of this.#listeners) callSafely(() => listening.confirm())
  }

  /** Marks the topic as not subscribed at any node. */
  lose(): void {
    this.isConfirmed = false
    this.node = undefined
  }

  /** Rejects the listeners that are still waiting for the subscription. */
  fail(error: unknown): void {
    for (const listening of this.#listeners) listening.fail(error)
  }

  /** Removes all listeners without calling `onEmpty`. */
  close(): void {
    this.#listeners.clear()
  }

  /** Passes a published message to the listeners: an event, a notice, or an interruption. */
  deliver(message: string): void {
    if (message === interruption) {
      this.#notify((listener) => listener.onInterrupted())
    } else if (message.startsWith(noticePrefix)) {
      const text = message.slice(noticePrefix.length)
      this.#notify((listener) => listener.onNotice?.(text))
    } else {
      const event = parseMessage(message)
      if (event !== undefined) this.#notify((listener) => listener.onEvent(event))
    }
  }

  #notify(call: (listener: LogListener) => void): void {
    for (const { listener } of this.#listeners) callSafely(() => call(listener))
  }
}

/** Calls a listener. If it throws, the other listeners must still be notified. */
function callSafely(call: () => void): void {
  try {
    call()
  } catch {}
}
