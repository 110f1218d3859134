import type { Frames, LiveHandlers, LiveSubscription } from '@trpc-sse/react'

/** Animation frames that a test paints. */
export interface ManualFrames {
  readonly frames: Frames
  /** Paints a frame. Returns how many callbacks ran. */
  paint(): number
}

/** Creates frames that are painted by hand. */
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

/** A subscription to numbers, for which the test acts as the server. */
export interface ManualSubscription {
  readonly subscription: LiveSubscription<unknown, Error>
  /** Each call of `subscribe`. */
  readonly subscribed: ReadonlyArray<{ readonly from: string; readonly isOver: boolean }>
  /** The handlers of the last call. */
  current(): LiveHandlers<unknown, Error>
  snapshot(id: string, data: readonly number[]): void
  /** Sends an event with the id `<n>-0`. */
  event(n: number): void
}

/** Creates a subscription without subscribers. */
export function manualSubscription(): ManualSubscription {
  const subscribed: Array<{
    handlers: LiveHandlers<unknown, Error>
    from: string
    isOver: boolean
  }> = []
  function current(): LiveHandlers<unknown, Error> {
    const last = subscribed.at(-1)
    if (!last) throw new Error('There is no subscriber yet.')
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
