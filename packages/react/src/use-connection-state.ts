import { useSyncExternalStore } from 'react'
import { type ConnectionState, idle, pageConnections } from './store/connections.ts'

/**
 * Returns one state for every `useLive` on this page: `connecting` while one of them isn't running.
 * With `sseLink` they share one connection, and this is its state.
 */
export function useConnectionState(): ConnectionState {
  return useSyncExternalStore(pageConnections.subscribe, pageConnections.getState, () => idle)
}
