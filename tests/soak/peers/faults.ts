import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../support/seeded-random.ts'

/** The faults of the comparison, by name. */
export const faultNames = [
  'sockets cut',
  'instance killed',
  'instance deployed',
  'instance frozen',
  'subscribers killed',
  'redis restarted',
] as const
export type FaultName = (typeof faultNames)[number]

/** One fault of a schedule. */
export interface Fault {
  readonly atMs: number
  readonly name: FaultName
  /** The affected instance. */
  readonly instance: number
  /** The duration, for faults that last. */
  readonly forMs: number
}

/** Creates a schedule from a seed. Each fault is as frequent as any other. */
export function schedule(seed: number, durationMs: number): Fault[] {
  const chance = seededRandom(seed)
  const faults: Fault[] = []
  let bag: FaultName[] = []
  for (let atMs = 2_000 + chance() * 2_000; atMs < durationMs; atMs += 3_000 + chance() * 3_000) {
    if (bag.length === 0) bag = [...faultNames]
    const [name] = bag.splice(Math.floor(chance() * bag.length), 1)
    if (name === undefined) throw new Error('The bag of faults is empty.')
    const instance = Math.floor(chance() * 2)
    faults.push({ atMs, name, instance, forMs: 500 + chance() * 5_500 })
  }
  return faults
}

/** Runs a schedule, one fault after another, and resolves at its end. */
export async function runSchedule(
  faults: readonly Fault[],
  cause: (fault: Fault) => Promise<void>,
): Promise<void> {
  const startMs = performance.now()
  for (const fault of faults) {
    await sleep(Math.max(0, startMs + fault.atMs - performance.now()))
    await cause(fault)
  }
}
