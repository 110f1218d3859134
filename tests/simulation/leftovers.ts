import type { Violation } from './oracle.ts'
import type { World } from './world.ts'

/** Checks that nothing is left once nobody wants anything any more. */
export function checkLeftovers({ instances, clients, store, timeline }: World): Violation[] {
  const found: Violation[] = []
  const check = (actor: string, what: string, count: number): void => {
    if (count === 0) return
    const text = `${actor} still has ${count} ${what}`
    found.push({ kind: `left: ${what}`, text, atMs: timeline.nowMs, actor, about: [] })
  }
  for (const { process, link, generators, isUp } of instances) {
    if (!isUp) continue
    check(process.name, 'streams', link.stats().connections)
    check(process.name, 'subscriptions', link.stats().subscriptions)
    check(process.name, 'generators', generators.open)
    check(process.name, 'timers', process.timers)
  }
  for (const { name, process, device } of clients) {
    check(name, 'timers', process.timers)
    check(name, 'listeners of the device', device.listeners())
  }
  check('store', 'listeners', store.listeners)
  return found
}
