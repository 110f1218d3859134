import { trpc } from './client.ts'
import { createStore, type Store, whileSubscribed } from './store.ts'

type Subscribe = typeof trpc.system.onHealth.subscribe
type HealthEvent = Parameters<NonNullable<NonNullable<Parameters<Subscribe>[1]>['onData']>>[0]

const newest = createStore<HealthEvent | undefined>(undefined)

/** The server's health; `undefined` until its first report. */
export const health: Pick<Store<HealthEvent | undefined>, 'get' | 'subscribe'> = {
  get: newest.get,
  subscribe: whileSubscribed(newest, () => {
    const { unsubscribe } = trpc.system.onHealth.subscribe(undefined, { onData: newest.set })
    return unsubscribe
  }),
}
