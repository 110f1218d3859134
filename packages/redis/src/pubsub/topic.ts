import type { Clock, LogListener, Unlisten } from '@trpc-sse/server'
import { interruption, noticePrefix, parseMessage } from '../messages.ts'

/** One call of `listen`. */
interface Listening {
  readonly listener: LogListener
  /** Called when the subscription is confirmed, for the first time or again. */
  confirm(): void
  /** Called when the subscription can't be had. Has no effect once it was confirmed. */
  fail(error: unknown): void
}

/** How long a call of `listen` waits. */
export interface JoinOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Creates the error to reject with when the time is up. */
  timeoutError(): unknown
  /** Called when the last listener has left. */
  onEmpty(topic: Topic): void
}

/**
 * One pub/sub channel and its listeners. When all have left and another one comes, that is another
 * topic.
 */
export class Topic {
  readonly channel: string
  /** The node where it is subscribed, or will be; `undefined` until that is known. */
  node: string | undefined
  /** Whether the node's present connection has confirmed the subscription. */
  isConfirmed = false
  readonly #listeners = new Set<Listening>()

  constructor(channel: string) {
    this.channel = channel
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Adds a listener. Resolves when the subscription is confirmed; rejects when the time is up. */
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
   * Marks the subscription as confirmed. New listeners go live; the others may have missed
   * notifications, so they read the log.
   */
  confirm(): void {
    this.isConfirmed = true
    for (const listening of this.#listeners) callSafely(() => listening.confirm())
  }

  /** Marks the topic as subscribed nowhere. */
  lose(): void {
    this.isConfirmed = false
    this.node = undefined
  }

  /** Rejects the listeners that still wait for the subscription. */
  fail(error: unknown): void {
    for (const listening of this.#listeners) listening.fail(error)
  }

  /** Removes all listeners, without a call of `onEmpty`. */
  close(): void {
    this.#listeners.clear()
  }

  /** Hands on what was published: an event, a notice, or that listeners must read the log. */
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

/** Listeners must not throw. One that does must not keep notifications from the others. */
function callSafely(call: () => void): void {
  try {
    call()
  } catch {}
}
