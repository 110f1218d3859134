import type { Follow, Told } from './follow.ts'
import type { Violation } from './oracle.ts'
import { type Fault, isFault, type Plan } from './plan.ts'
import type { Facts, StoredFact } from './store/facts.ts'

/** How long an event takes at most while everything is well, in milliseconds. */
const usualMs = 3_000

/** A time in which something was wrong, and the time that it may take to recover from it. */
interface Trouble {
  readonly fromMs: number
  readonly untilMs: number
}

/** Knows by when an event must have arrived that was stored at some time. */
export interface Deadlines {
  of(storedAtMs: number): number
}

/**
 * Finds out when everything was well, by the faults of a plan. An event must arrive soon after it was
 * stored, or soon after the trouble is over in which it was stored.
 */
export function deadlinesFor({ steps, config }: Plan): Deadlines {
  const troubles = steps.flatMap((step) => (isFault(step) ? [troubleOf(step)] : []))

  function troubleOf(fault: Fault & { readonly atMs: number }): Trouble {
    const { atMs } = fault
    return { fromMs: atMs, untilMs: atMs + lengthOf(fault) + recoveryMs(fault, config) }
  }

  return {
    of(storedAtMs) {
      let deadlineMs = storedAtMs + usualMs
      // A trouble that begins before the deadline puts it off, which may bring the next one in.
      for (const { fromMs, untilMs } of troubles.toSorted((a, b) => a.fromMs - b.fromMs))
        if (fromMs <= deadlineMs) deadlineMs = Math.max(deadlineMs, untilMs + usualMs)
      return deadlineMs
    },
  }
}

/** Checks that a subscription got each event in time. */
export function checkDeadlines(follow: Follow, facts: Facts, deadlines: Deadlines): Violation[] {
  const first = follow.told.find((told) => told.kind !== 'resumed')
  if (!first) return []
  return follow.told.flatMap((told) => {
    const fact = factOf(told, facts)
    if (told.kind !== 'data' || fact === undefined) return []
    const lateMs = told.atMs - deadlines.of(Math.max(fact.atMs, first.atMs))
    if (lateMs <= 0) return []
    const { client: actor, name } = follow
    const after = `${((told.atMs - fact.atMs) / 1_000).toFixed(1)} s`
    const text = `${actor}, ${name}: ${told.n} came ${after} after it was stored`
    return [{ kind: 'late', text, atMs: told.atMs, actor, about: [name, told.room ?? ''] }]
  })
}

function factOf({ n, room, id = '' }: Told, facts: Facts): StoredFact | undefined {
  if (room === undefined) return undefined
  return facts
    .of(room)
    .find((fact) => fact.n === n && (fact.id === id || `${id},`.includes(`=${fact.id},`)))
}

function lengthOf(fault: Fault): number {
  const lagMs = 'lagMs' in fault ? fault.lagMs : 0
  return lagMs + ('forMs' in fault ? fault.forMs : 'overMs' in fault ? fault.overMs : 0)
}

/** How long it may take until what a fault has broken works again. */
function recoveryMs(fault: Fault, { positionCheckMs }: Plan['config']): number {
  switch (fault.kind) {
    case 'interrupt':
    case 'clear':
    case 'page clock':
    case 'instance clock':
    case 'redis full':
    case 'redis forgets scripts':
      return 0
    case 'store':
      // Nobody notices lost hints but a position check.
      return fault.conditions.isDeaf ? 1.5 * positionCheckMs + 1_000 : 10_000
    case 'redis freeze':
    case 'redis restart':
    case 'redis failover':
      return Math.max(30_000, 1.5 * positionCheckMs)
    default:
      return 75_000
  }
}
