import type { AppConfig } from './app.ts'
import { type Chance, chanceFor } from './chance.ts'
import type { Subscribed } from './follow.ts'
import type { Cut, NetworkConditions } from './line.ts'
import type { OldMaster } from './store/redis-server.ts'
import type { StoreConditions } from './store/store.ts'

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

type FaultOf<TKind extends Fault['kind']> = Extract<Fault, { kind: TKind }>

/** A whole run, before it happens. */
export interface Plan {
  readonly seed: number
  readonly store: 'memory' | 'redis'
  readonly instances: number
  readonly modes: ReadonlyArray<'multiplexed' | 'single'>
  readonly rooms: readonly string[]
  readonly config: AppConfig
  readonly maxDurationMs: number | undefined
  /** When the last step is over. */
  readonly activeMs: number
  /** In the order of their times. */
  readonly steps: readonly Step[]
}

/** How long a fault lasts at most, in milliseconds. */
export const longestFaultMs = 30_000

/** Makes the plan of a seed. */
export function planFor(seed: number): Plan {
  const chance = chanceFor(seed, 'plan')
  const rooms = chance.is(0.5) ? ['red'] : ['red', 'blue']
  const instances = chance.between(1, 3)
  const modes = Array.from({ length: chance.between(1, 3) }, () =>
    chance.is(0.7) ? ('multiplexed' as const) : ('single' as const),
  )
  const activeMs = 1_000 * chance.one([15, 30, 60, 120])
  const world = { chance, rooms, instances, clients: modes.length, activeMs }
  // Choices of their own: all others are the same for both stores.
  const redisChance = chanceFor(seed, 'redis')
  const store = redisChance.is(0.4) ? 'redis' : 'memory'
  const redis = store === 'redis' ? redisFaults({ ...world, chance: redisChance }) : []
  const busyChance = chanceFor(seed, 'busy')
  const isBusy = busyChance.is(0.15)
  const more = isBusy ? busyWork({ ...world, chance: busyChance }) : []
  const all = [...work(world), ...faults(world), ...redis, ...more]
  const actions = all.toSorted((a, b) => a.atMs - b.atMs)
  const config = {
    retain: chance.one([4, 12, 40, 1_000, 1_000]),
    positionCheckMs: chance.one([2_000, 30_000]),
    lingerMs: chance.one([0, 500, 5_000]),
    windowEvents: chance.one([2, 8, 1_024]),
  }
  const usualDurationMs = chance.is(0.3) ? chance.between(5_000, 20_000) : undefined
  return {
    seed,
    store,
    instances,
    modes,
    rooms,
    config,
    maxDurationMs: isBusy ? busyChance.between(2_000, 6_000) : usualDurationMs,
    activeMs,
    steps: actions.map((action, id) => ({ ...action, id })),
  }
}

interface PlannedWorld {
  readonly chance: Chance
  readonly rooms: readonly string[]
  readonly instances: number
  readonly clients: number
  readonly activeMs: number
}

type Timed = Action & { readonly atMs: number }

/** What people do: subscribe, unsubscribe and publish, in bursts and one by one. */
function work(world: PlannedWorld): Timed[] {
  const { chance, rooms, clients, activeMs } = world
  const actions: Timed[] = []
  for (let client = 0; client < clients; client++) {
    for (let count = chance.between(1, 3); count > 0; count--) {
      const atMs = chance.is(0.5) ? chance.below(200) : chance.below(activeMs / 2)
      actions.push({ atMs, kind: 'subscribe', client, subscribed: subscribed(world) })
    }
    if (chance.is(0.3)) {
      const atMs = chance.below(activeMs)
      actions.push({ atMs, kind: 'unsubscribe', client, which: chance.below(3) })
      if (chance.is(0.7))
        actions.push({
          atMs: Math.min(activeMs, atMs + chance.delayMs(300)),
          kind: 'subscribe',
          client,
          subscribed: subscribed(world),
        })
    }
  }
  const characters = chance.is(0.15) ? 20_000 : 0
  for (let count = chance.between(10, 60); count > 0; ) {
    const burst = chance.is(0.3) ? chance.between(3, 12) : 1
    const atMs = chance.below(activeMs)
    for (let i = 0; i < burst; i++, count--)
      actions.push({
        atMs: atMs + chance.below(20),
        kind: 'publish',
        room: chance.one(rooms),
        count: chance.is(0.1) ? chance.between(2, 5) : 1,
        hasKey: chance.is(0.5),
        characters,
      })
  }
  return actions
}

/** Events without a pause, while streams are handed over again and again. */
function busyWork({ chance, rooms, activeMs }: PlannedWorld): Timed[] {
  const actions: Timed[] = []
  const untilMs = Math.min(activeMs, 20_000)
  for (let atMs = chance.below(2_000); atMs < untilMs; atMs += chance.between(20, 300))
    actions.push({
      atMs,
      kind: 'publish',
      room: chance.one(rooms),
      count: 1,
      hasKey: chance.is(0.5),
      characters: 0,
    })
  return actions
}

function subscribed({ chance, rooms }: PlannedWorld): Subscribed {
  const path = chance.one(['room', 'room', 'all', 'even', 'generated', 'merged'] as const)
  return { path, rooms: path === 'merged' ? rooms : [chance.one(rooms)] }
}

/** What goes wrong. In some runs it is one kind of thing, again and again. */
function faults(world: PlannedWorld): Timed[] {
  const { chance, activeMs } = world
  const kinds = chance.is(0.4) ? [chance.one(faultKinds), chance.one(faultKinds)] : faultKinds
  return Array.from({ length: chance.between(0, 14) }, () => ({
    ...createFault[chance.one(kinds)](world),
    atMs: chance.below(activeMs),
  }))
}

type CreateFault<TFault extends { readonly kind: string }> = {
  readonly [TKind in TFault['kind']]: (world: PlannedWorld) => Extract<TFault, { kind: TKind }>
}

const createFault: CreateFault<Exclude<Fault, RedisFault>> = {
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
function redisFaults(world: PlannedWorld): Timed[] {
  const { chance, activeMs } = world
  return Array.from({ length: chance.between(0, 8) }, () => ({
    ...(chance.is(0.4) ? brokenLine(world) : createRedisFault[chance.one(redisFaultKinds)](world)),
    atMs: chance.below(activeMs),
  }))
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

/** Most are short. None outlasts the time that a run has for them. */
function duration(chance: Chance, typicalMs: number): number {
  return Math.min(longestFaultMs, chance.delayMs(typicalMs))
}

type KindsOf<TFault extends { readonly kind: string }> = ReadonlyArray<TFault['kind']>

/** All kinds of faults that any store may have. */
export const faultKinds = Object.keys(createFault) as KindsOf<Exclude<Fault, RedisFault>>
const redisFaultKinds = Object.keys(createRedisFault) as KindsOf<RedisFault>

/** Whether a step is a fault. */
export function isFault(step: Action): step is Fault {
  return step.kind in createFault || step.kind in createRedisFault
}
