import { openStreams } from './open-subscriptions.ts'
import { createStore } from './store.ts'

const everyMs = 10_000

/** When all that had arrived was last compared with the log, in milliseconds since 1970. */
export const lastCheck = createStore<number | undefined>(undefined)

/** Compares with the log from time to time, so that a loss would be seen even if the connection never fails. */
export function checkNowAndThen(): void {
  setInterval(() => {
    const streams = openStreams()
    if (document.hidden || streams.some(({ now }) => now.connection !== 'live')) return
    Promise.all(streams.map((stream) => stream.check(undefined))).then(
      () => lastCheck.set(Date.now()),
      // The log can't be asked now: the next time will do.
      () => {},
    )
  }, everyMs)
}
