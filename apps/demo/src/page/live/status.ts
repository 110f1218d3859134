import { network } from './client.ts'
import { health } from './health.ts'
import { type StreamReport, streamReports } from './open-subscriptions.ts'
import { useStore } from './store.ts'

/** How everything is, in one word. */
export type Status = 'connecting' | 'live' | 'lost' | 'offline' | 'backend-away'

/** How everything is: the worst of it. */
export function useStatus(): Status {
  const { awayUntil } = useStore(network.state)
  const reports = useStore(streamReports)
  const isBackendReachable = useStore(health)?.reachable ?? true
  if (awayUntil !== undefined) return 'offline'
  const has = (wanted: StreamReport['state']['connection']): boolean =>
    reports.some(({ state: { connection } }) => connection === wanted)
  if (has('lost')) return 'lost'
  if (!isBackendReachable) return 'backend-away'
  return reports.length === 0 || has('connecting') ? 'connecting' : 'live'
}
