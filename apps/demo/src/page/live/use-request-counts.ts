import { type Wire, wire } from './request-counts.ts'
import { useStore } from './store.ts'
import { tabs } from './tabs.ts'

/** What this tab's events come over: what the tab that leads has on the wire, else what this one has. */
export function useWire(): Wire {
  const own = useStore(wire)
  return useStore(tabs).leader?.wire ?? own
}
