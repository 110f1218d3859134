import { type RequestCounts, requestCounts } from './request-counts.ts'
import { useStore } from './store.ts'
import { tabs } from './tabs.ts'

/** Reads the counts of the connection that serves this tab: the leader's, or its own. */
export function useRequestCounts(): RequestCounts {
  const own = useStore(requestCounts)
  return useStore(tabs).leader?.requests ?? own
}
