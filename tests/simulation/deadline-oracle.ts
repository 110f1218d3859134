import { isFault } from './faults.ts'
import type { Follow, Told } from './follow.ts'
import type { Violation } from './oracle.ts'
import type { Plan } from './plan.ts'
import type { Fault } from './steps.ts'
import type { Facts, StoredFact } from './store/facts.ts'

/** How long an event takes at most while everything is well, in milliseconds. */
const usualMs = 3_000

/** A time in which something was wrong, and the time that it may take to recover from it. */
interface Trouble {
  readonly fromMs: number
  readonly untilMs: number
  readonly recoveryMs: number
  /** Whether the next event that is stored after it ends the recovery. */
  readonly endsWithAnEvent: boolean
}

/** Knows by when an event must have arrived that was stored at some time. */
export class Deadlines {
  readonly #troubles: readonly Trouble[]

  /** Finds out by the faults of a plan when something was wrong. */
  constructor({ steps, config }: Plan) {
    const troubles = steps.flatMap((step) => (isFault(step) ? [troubleOf(step, config)] : []))
    this.#troubles = troubles.toSorted((a, b) => a.fromMs - b.fromMs)
  }

  /**
   * An event must arrive soon after it was stored, or soon after the trouble is over in which it was
   * stored. A trouble that begins before the deadline puts it off, which may bring the next one in.
   */
  of(storedAtMs: number, log: readonly StoredFact[]): number {
    let deadlineMs = storedAtMs + usualMs
    for (const trouble of this.#troubles)
      if (trouble.fromMs <= deadlineMs)
        deadlineMs = Math.max(deadlineMs, endOf(trouble, log) + usualMs)
    return deadlineMs
  }
}

function endOf({ untilMs, recoveryMs, endsWithAnEvent }: Trouble, log: readonly StoredFact[]) {
  const event = endsWithAnEvent ? log.find(({ atMs }) => atMs > untilMs) : undefined
  return Math.min(untilMs + recoveryMs, event?.atMs ?? Infinity)
}

/** Checks that a subscription got each event in time, and none that was deleted long before. */
export function checkDeadlines(follow: Follow, facts: Facts, deadlines: Deadlines): Violation[] {
  const first = follow.told.find((told) => told.kind !== 'resumed')
  if (!first) return []
  return follow.told.flatMap((told) => {
    const { room = '', atMs } = told
    const fact = factOf(told, facts)
    if (told.kind !== 'data' || fact === undefined) return []
    const log = facts.of(room)
    const late = (kind: string, sinceMs: number, what: string): Violation[] => {
      if (sinceMs === Infinity || atMs <= deadlines.of(sinceMs, log)) return []
      const { client: actor, name } = follow
      const after = `${((atMs - sinceMs) / 1_000).toFixed(1)} s`
      const text = `${actor}, ${name}: ${told.n} came ${after} after it was ${what}`
      return [{ kind, text, atMs, actor, about: [name, room] }]
    }
    return [
      ...late('late', Math.max(fact.atMs, first.atMs), 'stored'),
      ...late('deleted', facts.deletedAtMs(room, fact), 'deleted'),
    ]
  })
}

function factOf({ n, room, id = '' }: Told, facts: Facts): StoredFact | undefined {
  if (room === undefined) return undefined
  return facts
    .of(room)
    .find((fact) => fact.n === n && (fact.id === id || `${id},`.includes(`=${fact.id},`)))
}

function troubleOf(fault: Fault & { readonly atMs: number }, config: Plan['config']): Trouble {
  const { atMs } = fault
  const lagMs = 'lagMs' in fault ? fault.lagMs : 0
  const forMs = 'forMs' in fault ? fault.forMs : 'overMs' in fault ? fault.overMs : 0
  return {
    fromMs: atMs,
    untilMs: atMs + lagMs + forMs,
    recoveryMs: recoveryMs(fault, config),
    // Nobody notices lost hints but a position check, or the next hint, which doesn't follow.
    endsWithAnEvent: fault.kind === 'store' && fault.conditions.isDeaf === true,
  }
}

/** How long it may take at most until what a fault has broken works again. */
function recoveryMs(fault: Fault, { positionCheckMs }: Plan['config']): number {
  const checkMs = 1.5 * positionCheckMs + 1_000
  switch (fault.kind) {
    case 'interrupt':
    case 'slot move':
      return 3_000
    case 'clear':
    case 'page clock':
    case 'instance clock':
    case 'redis forgets scripts':
      return 0
    case 'reload':
    case 'deploy':
    case 'flush':
    case 'store clock':
      return 10_000
    case 'store':
      return fault.conditions.isDeaf ? checkMs : deadConnectionMs
    case 'node restart':
    case 'node failover':
      return deadConnectionMs
    case 'redis eviction':
    case 'redis freeze':
    case 'redis restart':
    case 'redis failover':
      return Math.max(30_000, checkMs)
    case 'cut':
      return fault.how === 'only server' || fault.how === 'only client' ? silenceMs : backOffMs
    case 'redis full':
      return backOffMs
    case 'crash':
      return fault.closesSockets ? backOffMs : silenceMs
    case 'network':
    case 'freeze page':
    case 'freeze instance':
      return silenceMs
  }
}

/** The longest wait of a client between two attempts, and the next attempt, in milliseconds. */
const backOffMs = 40_000
/** When an instance notices that its connection to Redis is dead, and has another one. */
const deadConnectionMs = 14_000
/** When a client notices that a connection is dead, and the longest wait, in milliseconds. */
export const silenceMs = 75_000
