import type { Subscribed } from './follow.ts'
import type { Cut, NetworkConditions } from './line.ts'
import type { PlannedRun } from './producers.ts'
import type { OldMaster } from './store/redis-server.ts'
import type { StoreConditions } from './store/store.ts'
import type { Watched } from './watch.ts'

/** One thing that happens to the world, or that its people do. */
export type Step = { readonly id: number; readonly atMs: number } & Action

/** What a step does. Clients and instances are given by their numbers. */
export type Action =
  | { readonly kind: 'subscribe'; readonly client: number; readonly subscribed: Subscribed }
  | { readonly kind: 'unsubscribe'; readonly client: number; readonly which: number }
  | {
      readonly kind: 'publish'
      readonly room: string
      readonly count: number
      readonly hasKey: boolean
      readonly characters: number
    }
  | { readonly kind: 'watch'; readonly client: number; readonly watched: Watched }
  | { readonly kind: 'unwatch'; readonly client: number; readonly which: number }
  | { readonly kind: 'produce'; readonly instance: number; readonly run: PlannedRun }
  | { readonly kind: 'stop'; readonly instance: number; readonly run: PlannedRun }
  | {
      readonly kind: 'change'
      readonly instance: number
      readonly board: string
      readonly keys: readonly string[]
      readonly isDeletion: boolean
    }
  | Fault

/** What goes wrong. */
export type Fault =
  | { readonly kind: 'cut'; readonly client: number; readonly how: Cut }
  | {
      readonly kind: 'network'
      readonly client: number
      readonly forMs: number
      readonly conditions: Partial<NetworkConditions>
    }
  | { readonly kind: 'reload'; readonly client: number; readonly closesSockets: boolean }
  | { readonly kind: 'freeze page'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'page clock'; readonly client: number; readonly byMs: number }
  | {
      readonly kind: 'crash'
      readonly instance: number
      readonly forMs: number
      readonly closesSockets: boolean
    }
  | { readonly kind: 'deploy'; readonly instance: number; readonly overMs: number }
  | { readonly kind: 'freeze instance'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'instance clock'; readonly instance: number; readonly byMs: number }
  | {
      readonly kind: 'store'
      readonly instance: number
      readonly forMs: number
      readonly conditions: Partial<StoreConditions>
    }
  | { readonly kind: 'interrupt'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'clear'; readonly room: string }
  | { readonly kind: 'flush' }
  | { readonly kind: 'store clock'; readonly byMs: number }
  | RedisFault
  | ClusterFault

/** What goes wrong with a Redis Cluster. Slots and masters are given by numbers. */
export type ClusterFault =
  | { readonly kind: 'slot move'; readonly which: number; readonly forMs: number }
  | { readonly kind: 'node restart'; readonly which: number; readonly forMs: number }
  | {
      readonly kind: 'node failover'
      readonly which: number
      readonly lagMs: number
      readonly forMs: number
      readonly oldMaster: OldMaster
    }

/** What goes wrong with Redis. */
export type RedisFault =
  | {
      readonly kind: 'redis failover'
      /** How far replicas are behind the master, in milliseconds. */
      readonly lagMs: number
      readonly forMs: number
      readonly oldMaster: OldMaster
    }
  | { readonly kind: 'redis restart'; readonly forMs: number; readonly hasLog: boolean }
  | { readonly kind: 'redis freeze'; readonly forMs: number }
  | { readonly kind: 'redis full'; readonly forMs: number }
  | { readonly kind: 'redis eviction'; readonly room: string; readonly what: 'log' | 'last' }
  | { readonly kind: 'redis forgets scripts' }

/** A fault of one kind. */
export type FaultOf<TKind extends Fault['kind']> = Extract<Fault, { kind: TKind }>
