import { trpc } from './client.ts'
import { createStore } from './store.ts'

/** What a server instance serves, and when it said so, in milliseconds since 1970. */
interface InstanceLoad {
  readonly connections: number
  readonly subscriptions: number
  readonly at: number
}

/** What each instance serves, by its number. */
export const load = createStore<ReadonlyMap<number, InstanceLoad>>(new Map())

/** Instances say so every two seconds. One that is silent for longer is gone, or nobody can tell. */
const goodForMs = 6_000

/** Follows it for as long as the page is open. */
export function watchLoad(): void {
  trpc.system.onLoad.subscribe(undefined, {
    onData({ data: { instance, ...serves } }) {
      load.set(new Map(load.get()).set(instance, { ...serves, at: Date.now() }))
    },
  })
}

/** What all instances together serve; `undefined` if none has said so lately. */
export function totalLoad(
  instances: ReadonlyMap<number, InstanceLoad>,
  now: number,
): Omit<InstanceLoad, 'at'> | undefined {
  const there = [...instances.values()].filter(({ at }) => now - at < goodForMs)
  if (there.length === 0) return undefined
  return {
    connections: there.reduce((sum, { connections }) => sum + connections, 0),
    subscriptions: there.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
  }
}
