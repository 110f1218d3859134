import type { Violation } from './oracle.ts'
import type { World } from './world.ts'

/**
 * Checks that nothing is left once nobody wants anything any more. An instance has timers for as long
 * as it is open: of its connections to Redis, and of the channel on which instances are told things.
 */
export function checkLeftovers(world: World): Violation[] {
  const { instances, clients, store } = world
  const found: Violation[] = []
  for (const { process, link, generators, isUp } of instances) {
    if (!isUp) continue
    found.push(...left(world, process.name, 'streams', link.stats().connections))
    found.push(...left(world, process.name, 'subscriptions', link.stats().subscriptions))
    found.push(...left(world, process.name, 'generators', generators.open))
  }
  for (const { name, process, device } of clients) {
    found.push(...left(world, name, 'timers', process.timers))
    found.push(...left(world, name, 'listeners of the device', device.listeners()))
  }
  return [...found, ...left(world, 'store', 'listeners', store.listeners)]
}

/** Checks that nothing is left of instances that are closed. */
export function checkClosed(world: World): Violation[] {
  const { instances, store, timeline } = world
  const timers = instances.flatMap(({ process }) =>
    left(world, process.name, 'timers after its end', process.timers),
  )
  const others = store
    .leftovers()
    .map((text) => ({ kind: 'left', text, atMs: timeline.nowMs, actor: 'store', about: [] }))
  return [...timers, ...others]
}

function left({ timeline }: World, actor: string, what: string, count: number): Violation[] {
  if (count === 0) return []
  const text = `${actor} still has ${count} ${what}`
  return [{ kind: `left: ${what}`, text, atMs: timeline.nowMs, actor, about: [] }]
}
