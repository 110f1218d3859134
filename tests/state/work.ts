import { seededRandom } from '../support/seeded-random.ts'
import type { App } from './app.ts'

/** The work of one process: its changes by their ids, and the number of its increments. */
export interface Work {
  /** Each change as text, and when its entry expires, by the id of its event. */
  readonly changes: Readonly<Record<string, { readonly text: string; readonly forMs?: number }>>
  readonly counted: number
}

/** Keys that every process increments. */
export const counters: readonly string[] = ['count 0', 'count 1', 'count 2']
const keys = ['__proto__', 'constructor', ...Array.from({ length: 60 }, (_, i) => `key ${i}`)]
/** More keys, so that most of their entries expire before they are set again. */
const timedKeys = Array.from({ length: 700 }, (_, i) => `timed ${i}`)
/** The number of operations that a process runs at a time. */
const lanes = 4

/** Changes a map at random, `operations` times. */
export async function work({ map }: App, seed: number, operations: number): Promise<Work> {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = (list: readonly string[]): string => list[below(list.length)] ?? ''
  const changes: Record<string, { text: string; forMs?: number }> = Object.create(null)
  let counted = 0

  const set = (id: string, key: string, value: number, forMs?: number): void => {
    const text = JSON.stringify({ type: 'set', key, value })
    changes[id] = forMs === undefined ? { text } : { text, forMs }
  }

  async function change(): Promise<void> {
    const kind = below(100)
    const key = pick(keys)
    const value = below(1_000_000)
    if (kind < 40) set((await map().set(key, value)).id, key, value)
    else if (kind < 60) {
      const forMs = 1_000 + below(1_500)
      const timed = pick(timedKeys)
      set((await map().set(timed, value, { forMs })).id, timed, value, forMs)
    } else if (kind < 75) {
      const { id } = await map().delete(key)
      if (id !== undefined) changes[id] = { text: JSON.stringify({ type: 'removed', key }) }
    } else if (kind < 80) {
      const entries = Array.from(
        { length: 1 + below(20) },
        () => [pick(keys), below(1_000)] as const,
      )
      const results = await map().setMany(entries)
      for (const [i, [each, its]] of entries.entries()) set(results[i]?.id ?? '', each, its)
    } else await countUp(pick(counters))
  }

  async function countUp(key: string): Promise<void> {
    let next = 0
    const { id = '' } = await map().update(key, (before = 0) => {
      next = before + 1
      return next
    })
    set(id, key, next)
    counted += 1
  }

  let left = operations
  const lane = async (): Promise<void> => {
    while (left-- > 0) await change()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { changes, counted }
}
