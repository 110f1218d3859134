import type { Frames, LiveHandlers, LiveSubscription } from '@trpc-sse/react'

/** Frames that a test paints. */
export interface ManualFrames {
  readonly frames: Frames
  /** Paints one. Returns how many waited for it. */
  paint(): number
}

/** Creates frames of which none is painted yet. */
export function manualFrames(): ManualFrames {
  let waiting: Array<() => void> = []
  return {
    frames(callback) {
      waiting.push(callback)
      return () => {
        waiting = waiting.filter((one) => one !== callback)
      }
    },
    paint() {
      const due = waiting
      waiting = []
      for (const callback of due) callback()
      return due.length
    },
  }
}

/** A subscription whose server is the test: its events are numbers. */
export interface ManualSubscription {
  readonly subscription: LiveSubscription<unknown, Error>
  /** Each time that it was subscribed to. */
  readonly subscribed: ReadonlyArray<{ readonly from: string; readonly isOver: boolean }>
  /** The handlers of the last time. */
  current(): LiveHandlers<unknown, Error>
  snapshot(id: string, data: readonly number[]): void
  /** An event; its id is its number and `-0`. */
  event(n: number): void
}

/** Creates a subscription that nobody has subscribed to yet. */
export function manualSubscription(): ManualSubscription {
  const subscribed: Array<{
    handlers: LiveHandlers<unknown, Error>
    from: string
    isOver: boolean
  }> = []
  function current(): LiveHandlers<unknown, Error> {
    const last = subscribed.at(-1)
    if (!last) throw new Error('nobody has subscribed')
    return last.handlers
  }
  return {
    subscribed,
    current,
    subscription: {
      queryKey: [],
      subscribe(handlers) {
        const one = { handlers, from: handlers.context.lastEventId, isOver: false }
        subscribed.push(one)
        return {
          unsubscribe() {
            one.isOver = true
          },
        }
      },
    },
    snapshot: (id, data) => current().onData({ id, data: { type: 'snapshot', data } }),
    event: (n) => current().onData({ id: `${n}-0`, data: { type: 'event', data: n } }),
  }
}
