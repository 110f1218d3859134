import type { Chance } from './chance.ts'
import type { PlannedWorld, Timed } from './faults.ts'
import type { PlannedRun } from './producers.ts'
import type { Action } from './steps.ts'
import type { Watched } from './watch.ts'

/**
 * What people do besides rooms, in a quarter of the worlds: runs, boards and presence. Says also whether
 * the store should lose nothing, so that all that was stored must be there in the end.
 */
export function otherWork(world: PlannedWorld): [work: Timed[], isSparing: boolean] {
  const { chance } = world
  if (chance.is(0.75)) return [[], false]
  const isSparing = chance.is(0.7)
  const kinds = [runs, runs, boards, members]
  const work = [chance.one(kinds), chance.one(kinds)].flatMap((kind) => kind(world))
  return [work, isSparing]
}

/** Whether the store may lose what it has stored. */
export function losesData(action: Action): boolean {
  if (action.kind === 'redis restart') return !action.hasLog
  return ['flush', 'redis failover', 'redis eviction', 'node failover'].includes(action.kind)
}

/** Runs that one or several instances are asked to produce, and that pages follow. */
function runs(world: PlannedWorld): Timed[] {
  const { chance, instances, activeMs } = world
  const run: PlannedRun = {
    name: `run ${chance.below(1_000)}`,
    path: chance.one(['answer', 'job']),
    deltas: chance.between(1, 25),
    everyMs: chance.one([0, 20, 200, 800]),
    isFailing: chance.is(0.1),
  }
  const at = (): number => chance.below(activeMs)
  const instance = (): number => chance.below(instances)
  const startsMs = at()
  const produced = Array.from({ length: chance.between(1, 3) }, (_, i) => {
    const atMs = i === 0 ? startsMs : chance.is(0.5) ? startsMs + chance.below(300) : at()
    return { atMs, kind: 'produce' as const, instance: instance(), run }
  })
  // While it is produced, and somebody else may wait for that.
  const crash: Timed = {
    atMs: startsMs + chance.below(run.deltas * run.everyMs + 50),
    kind: 'crash',
    instance: produced[0]?.instance ?? 0,
    forMs: chance.delayMs(2_000),
    closesSockets: chance.is(0.7),
  }
  const stop: Timed = { atMs: at(), kind: 'stop', instance: instance(), run }
  return [
    ...produced,
    ...(chance.is(0.2) ? [stop] : []),
    ...(chance.is(0.3) ? [crash] : []),
    ...watchers(world, { path: run.path, name: run.name }),
  ]
}

/** Changes of a board that pages show. */
function boards(world: PlannedWorld): Timed[] {
  const { chance, instances, activeMs } = world
  const keys = ['a', 'b', 'c']
  const changes = Array.from({ length: chance.between(3, 20) }, (): Timed => {
    const isDeletion = chance.is(0.25)
    return {
      atMs: chance.below(activeMs),
      kind: 'change',
      instance: chance.below(instances),
      board: 'board',
      keys: !isDeletion && chance.is(0.2) ? keys : [chance.one(keys)],
      isDeletion,
    }
  })
  return [...changes, ...watchers(world, { path: 'board', name: 'board' })]
}

/** People who are in a hall, and leave it. */
function members(world: PlannedWorld): Timed[] {
  return watchers(world, { path: 'member', name: 'hall' })
}

function watchers({ chance, clients, activeMs }: PlannedWorld, watched: Watched): Timed[] {
  return Array.from({ length: clients }, (_, client) => client).flatMap((client) => [
    ...watcher(chance, activeMs, client, watched),
    ...(chance.is(0.3) ? watcher(chance, activeMs, client, watched) : []),
  ])
}

function watcher(chance: Chance, activeMs: number, client: number, watched: Watched): Timed[] {
  const atMs = chance.is(0.5) ? chance.below(200) : chance.below(activeMs)
  const leavesAtMs = atMs + chance.delayMs(activeMs / 2)
  const leave: Timed = { atMs: leavesAtMs, kind: 'unwatch', client, which: chance.below(3) }
  const leaves = chance.is(0.25) && leavesAtMs < activeMs
  return [{ atMs, kind: 'watch', client, watched }, ...(leaves ? [leave] : [])]
}
