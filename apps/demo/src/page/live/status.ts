import { network } from './client.ts'
import { health } from './health.ts'
import { subscriptionReports } from './open-subscriptions.ts'
import { useStore } from './store.ts'

/** The overall state, in one word. */
export type Status = 'connecting' | 'live' | 'lost' | 'offline' | 'backend-away'

/** Reads the worst state of the network, the subscriptions and the backend. */
export function useStatus(): Status {
  const { awayUntil } = useStore(network.state)
  const connections = useStore(subscriptionReports).map(({ state }) => state.connection)
  const isBackendReachable = useStore(health)?.reachable ?? true
  if (awayUntil !== undefined) return 'offline'
  if (connections.includes('lost')) return 'lost'
  if (!isBackendReachable) return 'backend-away'
  return connections.length === 0 || connections.includes('connecting') ? 'connecting' : 'live'
}
