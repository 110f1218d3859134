import { trpc } from './client.ts'
import { createStore, type Store, whileSubscribed } from './store.ts'

/** The load of a server instance. */
interface InstanceLoad {
  readonly connections: number
  readonly subscriptions: number
  /** The time of the report, in milliseconds since 1970. */
  readonly at: number
}

type Load = ReadonlyMap<number, InstanceLoad>

const newest = createStore<Load>(new Map())

/** The load of each instance, by its number. */
export const load: Pick<Store<Load>, 'get' | 'subscribe'> = {
  get: newest.get,
  subscribe: whileSubscribed(newest, () => {
    const { unsubscribe } = trpc.system.onLoad.subscribe(undefined, {
      onData({ data: { instance, ...serves } }) {
        newest.set(new Map(newest.get()).set(instance, { ...serves, at: Date.now() }))
      },
    })
    return unsubscribe
  }),
}

/**
 * An instance counts as gone after this long without a report. Instances report every two seconds.
 */
const validForMs = 6_000

/** Adds up the load of all instances; `undefined` without a recent report. */
export function totalLoad(instances: Load, now: number): Omit<InstanceLoad, 'at'> | undefined {
  const recent = [...instances.values()].filter(({ at }) => now - at < validForMs)
  if (recent.length === 0) return undefined
  return {
    connections: recent.reduce((sum, { connections }) => sum + connections, 0),
    subscriptions: recent.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
  }
}
