import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../support/within.ts'
import type { Fleet } from './fleet.ts'
import type { Page } from './people.ts'
import { pick } from './pick.ts'
import type { Fault } from './stores/store.ts'

type Faults = Readonly<Record<string, Fault>>

/** Options of {@link causeFaults}. */
export interface ChaosOptions {
  readonly causes: Faults
  readonly chance: () => number
  readonly durationMs: number
  /** Called with each fault as it happens. */
  readonly onFault: (what: string) => void
}

/** The longest time for a fault and its repair, in milliseconds. */
const faultMs = 60_000

/**
 * Causes one fault after the other, at most two at a time. Returns how often each was caused.
 * Rejects at the first that could not be caused or repaired: the run says nothing then.
 */
export async function causeFaults(options: ChaosOptions): Promise<Map<string, number>> {
  const { causes, chance, durationMs, onFault } = options
  const faults = new Map<string, number>()
  const untilMs = performance.now() + durationMs
  const happening = new Set<Promise<void>>()
  const failures: Error[] = []
  while (performance.now() < untilMs && failures.length === 0) {
    const [what, cause] = pick(Object.entries(causes), chance)
    faults.set(what, (faults.get(what) ?? 0) + 1)
    onFault(what)
    const one = within(faultMs, cause(chance), () => what)
      .catch((error: unknown) => {
        failures.push(new Error(`The fault “${what}” failed: ${String(error)}`, { cause: error }))
      })
      .finally(() => happening.delete(one))
    happening.add(one)
    // At most two at a time, because the store must work for some of the time.
    if (happening.size >= 2) await Promise.race(happening)
    await sleep(chance() * 3_000)
  }
  await Promise.all(happening)
  for (const failure of failures) throw failure
  return faults
}

/** What happens to pages. */
export function faultsOfPages({ door }: Fleet, audience: readonly Page[]): Faults {
  return {
    async 'all sockets are cut'() {
      door.cut()
    },
    async 'a page reloads'(chance) {
      pick(audience, chance).reload()
    },
  }
}

/** What happens to instances. */
export function faultsOfFleet(fleet: Fleet): Faults {
  const any = (chance: () => number): number => Math.floor(chance() * fleet.size)
  return {
    'an instance is killed': (chance) => fleet.crash(any(chance), chance() * 2_000),
    async 'instances are killed in turn'() {
      for (let index = 0; index < fleet.size; index++) await fleet.crash(index, 0)
    },
    'an instance is deployed': (chance) => fleet.deploy(any(chance)),
    'an instance is frozen': (chance) => fleet.freeze(any(chance), 200 + chance() * 6_000),
    async 'a clock steps'(chance) {
      fleet.stepClock(any(chance), Math.floor((chance() - 0.5) * 120_000))
    },
  }
}
