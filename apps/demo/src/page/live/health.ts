import { trpc } from './client.ts'
import { createStore, type Store } from './store.ts'

type Subscribe = typeof trpc.system.onHealth.subscribe
type HealthEvent = Parameters<NonNullable<NonNullable<Parameters<Subscribe>[1]>['onData']>>[0]

/** How the server is; `undefined` until it has said so. */
export const health: Store<HealthEvent | undefined> = createStore<HealthEvent | undefined>(undefined)

/** Follows it for as long as the page is open. */
export function watchHealth(): void {
  trpc.system.onHealth.subscribe(undefined, { onData: health.set })
}
