import { openSubscriptions } from './open-subscriptions.ts'
import { createStore } from './store.ts'

const everyMs = 10_000

/** When all subscriptions were last compared with the log, in milliseconds since 1970. */
export const lastCheck = createStore<number | undefined>(undefined)

/** Compares with the log periodically, so that a loss shows even if the connection never fails. */
export function startLogChecks(): void {
  setInterval(() => {
    const subscriptions = openSubscriptions()
    if (document.hidden || subscriptions.some(({ now }) => !isSettled(now.connection))) return
    Promise.all(subscriptions.map((subscription) => subscription.check(undefined))).then(
      () => lastCheck.set(Date.now()),
      // The log can't be read now: the next check will do.
      () => {},
    )
  }, everyMs)
}

function isSettled(connection: string): boolean {
  return connection === 'live' || connection === 'completed'
}
