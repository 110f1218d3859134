import type { AppConfig } from './app.ts'
import { type Chance, chanceFor } from './chance.ts'
import { clusterFaults, faults, type PlannedWorld, redisFaults, type Timed } from './faults.ts'
import type { Subscribed } from './follow.ts'
import { losesData, otherWork } from './other-work.ts'
import { type Rareness, rareBranches } from './rareness.ts'
import type { Step } from './steps.ts'

/** A whole run, before it happens. */
export interface Plan {
  readonly seed: number
  readonly store: 'memory' | 'redis' | 'cluster'
  readonly instances: number
  readonly modes: ReadonlyArray<'multiplexed' | 'single'>
  readonly rooms: readonly string[]
  readonly config: AppConfig
  readonly maxDurationMs: number | undefined
  /** How probable rare branches of the packages are, each time that they are asked about one. */
  readonly rare: Rareness
  /** When the last step is over, and nothing is wrong any more. */
  readonly overMs: number
  /** In the order of their times. */
  readonly steps: readonly Step[]
}

/** How much happens in a run. */
interface Size {
  readonly activeMs: readonly number[]
  readonly most: {
    readonly instances: number
    readonly clients: number
    readonly subscriptions: number
    readonly events: number
    readonly faults: number
    readonly redisFaults: number
  }
}

// Most bugs show in a small run, at a fraction of the time; some need a long history.
const small: Size = {
  activeMs: [3_000, 6_000, 12_000],
  most: { instances: 2, clients: 2, subscriptions: 2, events: 16, faults: 5, redisFaults: 3 },
}
const medium: Size = {
  activeMs: [10_000, 20_000, 40_000],
  most: { instances: 3, clients: 2, subscriptions: 3, events: 40, faults: 9, redisFaults: 5 },
}
const large: Size = {
  activeMs: [30_000, 60_000, 120_000],
  most: { instances: 3, clients: 3, subscriptions: 3, events: 80, faults: 16, redisFaults: 8 },
}
const sizes = [...Array<Size>(10).fill(small), medium, medium, large]

/** Makes the plan of a seed. */
export function planFor(seed: number): Plan {
  const chance = chanceFor(seed, 'plan')
  const size = chance.one(sizes)
  const { most } = size
  const rooms = chance.is(0.5) ? ['red'] : ['red', 'blue']
  const instances = chance.between(1, most.instances)
  const modes = Array.from({ length: chance.between(1, most.clients) }, () =>
    chance.is(0.7) ? ('multiplexed' as const) : ('single' as const),
  )
  const activeMs = chance.one(size.activeMs)
  const world = { chance, rooms, instances, clients: modes.length, activeMs }
  // Choices of their own: all others are the same for both stores.
  const redisChance = chanceFor(seed, 'redis')
  const store = storeOf(seed, redisChance)
  const redisWorld = { ...world, chance: redisChance }
  const redis =
    store === 'redis'
      ? redisFaults(redisWorld, most.redisFaults)
      : store === 'cluster'
        ? clusterFaults(redisWorld, most.redisFaults)
        : []
  const busyChance = chanceFor(seed, 'busy')
  const isBusy = size !== small && busyChance.is(0.15)
  const more = isBusy ? busyWork({ ...world, chance: busyChance }) : []
  const people = work(world, size)
  const others = faults(world, most.faults)
  // Other faults and position checks hide what a slot that moves breaks.
  const isCalm = store === 'cluster' && chanceFor(seed, 'calm').is(0.5)
  const all = [...people, ...(isCalm ? [] : others), ...redis, ...more]
  const [otherPeople, isSparing] = otherWork({ ...world, chance: chanceFor(seed, 'other work') })
  const spared = isSparing ? all.filter((action) => !losesData(action)) : all
  const actions = [...spared, ...otherPeople].toSorted((a, b) => a.atMs - b.atMs)
  const retain = chance.one([4, 12, 40, 1_000, 1_000])
  const positionCheckMs = chance.one([2_000, 30_000])
  const config = {
    retain,
    positionCheckMs: isCalm ? 30_000 : positionCheckMs,
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
    rare: rareBranches(seed),
    overMs: Math.max(activeMs, ...actions.map(overMs)),
    steps: actions.map((action, id) => ({ ...action, id })),
  }
}

/** Four of ten worlds have Redis; of these, every fifth has a Cluster. */
function storeOf(seed: number, chance: Chance): Plan['store'] {
  if (!chance.is(0.4)) return 'memory'
  return chanceFor(seed, 'cluster').is(0.2) ? 'cluster' : 'redis'
}

/** When a step is over, and what it has broken is whole. */
function overMs(step: Timed): number {
  const lagMs = 'lagMs' in step ? step.lagMs : 0
  return step.atMs + lagMs + ('forMs' in step ? step.forMs : 'overMs' in step ? step.overMs : 0)
}

/** What people do: subscribe, unsubscribe and publish, in bursts and one by one. */
function work(world: PlannedWorld, { most }: Size): Timed[] {
  const { chance, rooms, clients, activeMs } = world
  const actions: Timed[] = []
  for (let client = 0; client < clients; client++) {
    for (let count = chance.between(1, most.subscriptions); count > 0; count--) {
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
  const characters = chance.is(0.1) ? 20_000 : 0
  for (let count = chance.between(most.events >> 3, most.events); count > 0; ) {
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
