import type { Chance } from './chance.ts'
import type { NetworkConditions } from './line.ts'
import type { Action, ClusterFault, Fault, FaultOf, RedisFault } from './steps.ts'
import type { StoreConditions } from './store/store.ts'

/** How long a fault lasts at most, in milliseconds. */
const longestFaultMs = 30_000

/** What faults can happen to. */
export interface PlannedWorld {
  readonly chance: Chance
  readonly rooms: readonly string[]
  readonly instances: number
  readonly clients: number
  readonly activeMs: number
}

/** An action, with its time. */
export type Timed = Action & { readonly atMs: number }

/** What goes wrong. In some runs it is one kind of thing, again and again. */
export function faults(world: PlannedWorld, most: number): Timed[] {
  const { chance, activeMs } = world
  const kinds = chance.is(0.4) ? [chance.one(faultKinds), chance.one(faultKinds)] : faultKinds
  return Array.from({ length: chance.between(0, most) }, () => ({
    ...createFault[chance.one(kinds)](world),
    atMs: chance.below(activeMs),
  }))
}

type CreateFault<TFault extends { readonly kind: string }> = {
  readonly [TKind in TFault['kind']]: (world: PlannedWorld) => Extract<TFault, { kind: TKind }>
}

const createFault: CreateFault<Exclude<Fault, RedisFault | ClusterFault>> = {
  cut: ({ chance, clients }) => ({
    kind: 'cut',
    client: chance.below(clients),
    how: chance.one(['both', 'both', 'only client', 'only server', 'politely', 'in a chunk']),
  }),
  network: ({ chance, clients }) => ({
    kind: 'network',
    client: chance.below(clients),
    forMs: duration(chance, 4_000),
    conditions: chance.one<Partial<NetworkConditions>>([
      { isOffline: true },
      { isBlackHole: true },
      { badGateway: chance.one([502, 503, 504]) },
      { isBuffering: true },
      { isStalled: true },
      { losesAnswers: true },
      { slowness: chance.between(10, 100) },
    ]),
  }),
  reload: ({ chance, clients }) => ({
    kind: 'reload',
    client: chance.below(clients),
    closesSockets: chance.is(0.7),
  }),
  'freeze page': ({ chance, clients }) => ({
    kind: 'freeze page',
    client: chance.below(clients),
    forMs: duration(chance, 5_000),
  }),
  'page clock': ({ chance, clients }) => ({
    kind: 'page clock',
    client: chance.below(clients),
    byMs: chance.between(-60_000, 60_000),
  }),
  crash: ({ chance, instances }) => ({
    kind: 'crash',
    instance: chance.below(instances),
    forMs: duration(chance, 2_000),
    closesSockets: chance.is(0.7),
  }),
  deploy: ({ chance, instances }) => ({
    kind: 'deploy',
    instance: chance.below(instances),
    overMs: chance.one([0, 500, 5_000]),
  }),
  'freeze instance': ({ chance, instances }) => ({
    kind: 'freeze instance',
    instance: chance.below(instances),
    forMs: duration(chance, 3_000),
  }),
  'instance clock': ({ chance, instances }) => ({
    kind: 'instance clock',
    instance: chance.below(instances),
    byMs: chance.between(-60_000, 60_000),
  }),
  store: ({ chance, instances }) => ({
    kind: 'store',
    instance: chance.below(instances),
    forMs: duration(chance, 3_000),
    conditions: chance.one<Partial<StoreConditions>>([
      { isDown: true },
      { losesAnswers: true },
      { isDeaf: true },
      { repeatsHints: true },
      { slowness: chance.between(10, 300) },
    ]),
  }),
  interrupt: ({ chance, instances }) => ({
    kind: 'interrupt',
    instance: chance.below(instances),
    forMs: duration(chance, 1_000),
  }),
  clear: ({ chance, rooms }) => ({ kind: 'clear', room: chance.one(rooms) }),
  flush: () => ({ kind: 'flush' }),
  'store clock': ({ chance }) => ({ kind: 'store clock', byMs: chance.between(-60_000, 60_000) }),
}

/** What goes wrong with Redis, beside the rest. */
export function redisFaults(world: PlannedWorld, most: number): Timed[] {
  const { chance, activeMs } = world
  return Array.from(
    { length: chance.between(0, most) },
    (): Timed => ({
      ...(chance.is(0.4)
        ? brokenLine(world)
        : createRedisFault[chance.one(redisFaultKinds)](world)),
      atMs: chance.below(activeMs),
    }),
  ).flatMap((fault) => [fault, ...alsoBack(fault, chance)])
}

/** What goes wrong with a Redis Cluster, beside the rest. */
export function clusterFaults(world: PlannedWorld, most: number): Timed[] {
  const { chance, activeMs } = world
  const kinds = chance.one([clusterFaultKinds, clusterFaultKinds, ['slot move' as const]])
  return Array.from({ length: chance.between(1, 2 * most) }, (): Timed => {
    const atMs = chance.below(activeMs)
    if (chance.is(0.1)) return { ...brokenLine(world), atMs }
    if (chance.is(0.1)) return { ...createRedisFault[chance.one(anyRedisFaultKinds)](world), atMs }
    return { ...createClusterFault[chance.one(kinds)](world), atMs }
  })
}

/** A log that has lost its state, and a clock that is set back: ids must not be used again. */
function alsoBack({ kind, atMs }: Timed, chance: Chance): Timed[] {
  if (kind !== 'redis eviction' || chance.is(0.7)) return []
  return [{ kind: 'store clock', byMs: -chance.between(1_000, 60_000), atMs: atMs + 1 }]
}

/** Connections that break, with replies that are lost or with nobody who notices. */
function brokenLine({ chance, instances }: PlannedWorld): FaultOf<'store'> {
  return {
    kind: 'store',
    instance: chance.below(instances),
    forMs: duration(chance, 3_000),
    conditions: chance.one([{ losesAnswers: true }, { losesAnswers: true }, { isDown: true }]),
  }
}

const createRedisFault: CreateFault<RedisFault> = {
  'redis failover': ({ chance }) => ({
    kind: 'redis failover',
    lagMs: chance.one([0, 100, 1_000, 5_000]),
    forMs: duration(chance, 1_000),
    oldMaster: chance.one(['is gone', 'is silent', 'refuses writes']),
  }),
  'redis restart': ({ chance }) => ({
    kind: 'redis restart',
    forMs: duration(chance, 1_000),
    hasLog: chance.is(0.5),
  }),
  'redis freeze': ({ chance }) => ({ kind: 'redis freeze', forMs: duration(chance, 2_000) }),
  'redis full': ({ chance }) => ({ kind: 'redis full', forMs: duration(chance, 3_000) }),
  'redis eviction': ({ chance, rooms }) => ({
    kind: 'redis eviction',
    room: chance.one(rooms),
    what: chance.one(['log', 'last']),
  }),
  'redis forgets scripts': () => ({ kind: 'redis forgets scripts' }),
}

const createClusterFault: CreateFault<ClusterFault> = {
  'slot move': ({ chance }) => ({
    kind: 'slot move',
    which: chance.below(100),
    forMs: chance.one([0, duration(chance, 300), duration(chance, 2_000)]),
  }),
  'node restart': ({ chance }) => ({
    kind: 'node restart',
    which: chance.below(3),
    forMs: duration(chance, 1_000),
  }),
  'node failover': ({ chance }) => ({
    kind: 'node failover',
    which: chance.below(3),
    lagMs: chance.one([0, 100, 1_000, 5_000]),
    forMs: duration(chance, 1_000),
    oldMaster: chance.one(['is gone', 'is silent', 'refuses writes']),
  }),
}

/** Most are short. None outlasts the time that a run has for them. */
function duration(chance: Chance, typicalMs: number): number {
  return Math.min(longestFaultMs, chance.delayMs(typicalMs))
}

type KindsOf<TFault extends { readonly kind: string }> = ReadonlyArray<TFault['kind']>

/** All kinds of faults that any store may have. */
export const faultKinds = Object.keys(createFault) as KindsOf<
  Exclude<Fault, RedisFault | ClusterFault>
>
const redisFaultKinds = Object.keys(createRedisFault) as KindsOf<RedisFault>
const clusterFaultKinds = Object.keys(createClusterFault) as KindsOf<ClusterFault>
/** What can go wrong with a Cluster as with one Redis. */
const anyRedisFaultKinds = [
  'redis freeze',
  'redis full',
  'redis eviction',
  'redis forgets scripts',
] as const

/** Whether a step is a fault. */
export function isFault(step: Action): step is Fault {
  return [createFault, createRedisFault, createClusterFault].some((kinds) => step.kind in kinds)
}
