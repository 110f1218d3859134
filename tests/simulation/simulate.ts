import { act } from './act.ts'
import { checkDeadlines, Deadlines, silenceMs } from './deadline-oracle.ts'
import { isFault } from './faults.ts'
import type { Follow } from './follow.ts'
import { checkClosed, checkLeftovers } from './leftovers.ts'
import { checkFollow, type Violation } from './oracle.ts'
import type { Plan } from './plan.ts'
import { checkOrder, checkPublished } from './publish-oracle.ts'
import type { Published } from './publisher.ts'
import { watchRealWorld } from './real-world.ts'
import { settled, type Timeline } from './timeline.ts'
import type { Watch } from './watch.ts'
import { checkWatches } from './watch-oracle.ts'
import { World } from './world.ts'

/** What became of a run. */
export interface Outcome {
  readonly plan: Plan
  readonly violations: readonly Violation[]
  readonly world: World
  readonly simulatedMs: number
}

/** How long everything is well before the last events, in milliseconds. */
const healMs = 4_000
/** How long publishes may take until they are settled: six attempts of five seconds. */
const publishMs = 40_000
/** How long the last events may take: half-open connections and back-offs last a minute. */
const quietMs = 150_000
/** How long it may take until nothing is left. */
const closeMs = 90_000
/** How long it may take until instances that are closed have nothing left. */
const endMs = 15_000
/** How often it is looked whether that is so. */
const stepMs = 1_000

/**
 * Runs a plan. The same plan gives the same run, whatever the machine does. A traced run is slower: it
 * finds out what the packages take from the real world.
 */
export async function simulate(plan: Plan, isTraced = false): Promise<Outcome> {
  let world: World | undefined
  // The ids of the first instances are random, too.
  const real = watchRealWorld({
    seed: plan.seed,
    isTraced,
    onConsole: (text) => world?.trace.add('console', text),
    runningClock: () => world?.timeline.running,
  })
  try {
    world = new World(plan)
    const violations = await runSafely(world, plan)
    for (const text of [...world.faults, ...real.seen()])
      violations.push({ kind: 'fault', text, atMs: 0, actor: 'world', about: [] })
    return { plan, violations, world, simulatedMs: world.timeline.nowMs }
  } finally {
    real.restore()
  }
}

async function runSafely(world: World, plan: Plan): Promise<Violation[]> {
  try {
    return await run(world, plan)
  } catch (error) {
    return [standstill(world, error)]
  }
}

async function run(world: World, plan: Plan): Promise<Violation[]> {
  const { steps, overMs, rooms } = plan
  const { timeline, store, publisher } = world
  for (const step of steps) timeline.after(step.atMs, () => act(world, step))
  await timeline.run(overMs + healMs)
  await runUntil(timeline, publishMs, () => publisher.isQuiet)
  const last = rooms.map((room) => publisher.publishLast(room))
  const noticedMs = steps.some(isFault) && world.watches.length > 0 ? silenceMs : 0
  const settledMs = timeline.nowMs + Math.max(noticedMs, ...world.watches.map(settleMs))
  const isOver = (): boolean =>
    last.every(({ outcome }) => outcome === 'resolved') &&
    haveAll(world.follows, last) &&
    timeline.nowMs >= settledMs &&
    world.watches.every(({ isSettled }) => isSettled)
  await runUntil(timeline, quietMs, isOver)
  const { nowMs } = timeline
  const deadlines = new Deadlines(plan)
  const violations = [
    ...world.follows.flatMap((follow) => checkFollow(follow, store.facts, nowMs)),
    ...world.follows.flatMap((follow) => checkDeadlines(follow, store.facts, deadlines)),
    ...checkPublished(publisher.published, store.facts, nowMs),
    ...(world.hasRedis ? checkOrder(publisher.published, store.facts, nowMs) : []),
    ...last
      .filter(({ outcome }) => outcome !== 'resolved')
      .map(({ room }) => ({
        kind: 'silence',
        text: `the last publish to ${room} never resolved`,
        atMs: nowMs,
        actor: 'publisher',
        about: [room],
      })),
  ]
  violations.push(...(await checkWatches(world, plan)))
  for (const one of [...world.follows, ...world.watches]) if (one.isWanted) one.stop()
  await settled()
  await runUntil(timeline, closeMs, () => checkLeftovers(world).length === 0)
  violations.push(...checkLeftovers(world))
  closeInstances(world)
  await runUntil(timeline, endMs, () => checkClosed(world).length === 0)
  violations.push(...checkClosed(world))
  return violations
}

/** Runs for this long at most, or until there was nothing left to wait for at two looks in a row. */
async function runUntil(timeline: Timeline, mostMs: number, isOver: () => boolean): Promise<void> {
  const endMs = timeline.nowMs + mostMs
  for (let wasOver = false; timeline.nowMs < endMs; ) {
    const isNow = isOver()
    if (wasOver && isNow) return
    wasOver = isNow
    await timeline.run(Math.min(endMs, timeline.nowMs + stepMs))
  }
}

/** How long it may take until what is watched doesn't change any more, in milliseconds. */
function settleMs({ watched: { path } }: Watch): number {
  // Members of an instance that has crashed leave within 15 s.
  return path === 'member' ? 25_000 : path === 'board' ? 5_000 : 0
}

/** Whether each subscription that is wanted has the last events. */
function haveAll(follows: readonly Follow[], last: readonly Published[]): boolean {
  return follows.every(
    ({ isWanted, subscribed, told }) =>
      !isWanted ||
      last.every(
        ({ room, events: [n] }) =>
          !subscribed.rooms.includes(room) ||
          told.some((one) => one.kind === 'data' && one.n === n && one.room === room),
      ),
  )
}

function closeInstances({ instances, faults }: World): void {
  for (const { process, channels } of instances)
    process.arrive(0, () => {
      channels.close().catch((error: unknown) => faults.push(`close() failed: ${String(error)}`))
    })
}

function standstill({ timeline }: World, error: unknown): Violation {
  const text = String(error)
  return { kind: 'standstill', text, atMs: timeline.nowMs, actor: 'world', about: [] }
}
