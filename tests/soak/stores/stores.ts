import { startCluster, startClusterWithReplicas } from './cluster.ts'
import { startWithSentinels } from './sentinels.ts'
import { startDurable, startLru, startMemory } from './single.ts'
import type { SoakStore } from './store.ts'

/** The stores, by name. */
export const stores = {
  durable: startDurable,
  memory: startMemory,
  sentinels: startWithSentinels,
  cluster: startCluster,
  replicas: startClusterWithReplicas,
  lru: startLru,
} satisfies Record<string, () => Promise<SoakStore>>

export type StoreName = keyof typeof stores
