import { trpc } from './client.ts'
import { createStore, type Store, whileSubscribed } from './store.ts'

/** What a server instance serves, and when it said so, in milliseconds since 1970. */
interface InstanceLoad {
  readonly connections: number
  readonly subscriptions: number
  readonly at: number
}

type Load = ReadonlyMap<number, InstanceLoad>

const newest = createStore<Load>(new Map())

/** What each instance serves, by its number. */
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

/** Instances say so every two seconds. One that is silent for longer is gone, or nobody can tell. */
const goodForMs = 6_000

/** What all instances together serve; `undefined` if none has said so lately. */
export function totalLoad(instances: Load, now: number): Omit<InstanceLoad, 'at'> | undefined {
  const there = [...instances.values()].filter(({ at }) => now - at < goodForMs)
  if (there.length === 0) return undefined
  return {
    connections: there.reduce((sum, { connections }) => sum + connections, 0),
    subscriptions: there.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
  }
}
