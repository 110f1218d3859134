import { useSyncExternalStore } from 'react'
import { type ConnectionState, idle, pageConnections } from './store/connections.ts'

/**
 * How the subscriptions of all `useLive` on this page are, in one word: `connecting` while one of them isn't running.
 * With `sseLink` they share one connection, so it says how that is.
 */
export function useConnectionState(): ConnectionState {
  return useSyncExternalStore(pageConnections.subscribe, pageConnections.getState, () => idle)
}
