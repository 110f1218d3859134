import { setTimeout } from 'node:timers/promises'
import type { StateEvent } from '@trpc-sse/server'
import type { App } from './app.ts'
import { apply, textOf } from './model.ts'

/** A reader of the map that is cut off at random, and resumes. */
export interface CutReader {
  /** Its state at each id at which it was checked, as text: `[id, state]`. */
  readonly seen: readonly (readonly [id: string, state: string])[]
  readonly snapshots: number
  readonly cuts: number
  /** Resolves when it has reached an id. */
  reached(id: string): Promise<string>
  stop(): void
}

/** Starts a reader. If `isExact`, it sees each change, so all its states can be checked. */
export function readWithCuts({ map }: App, random: () => number, isExact: boolean): CutReader {
  const seen: [string, string][] = []
  const waiting = new Map<string, (state: string) => void>()
  const state = new Map<string, unknown>()
  let lastEventId: string | undefined
  let snapshots = 0
  let cuts = 0
  let isStopped = false
  let cut = new AbortController()

  function take(id: string, item: StateEvent<number>): void {
    lastEventId = id
    if (item.type === 'snapshot') {
      snapshots += 1
      state.clear()
      for (const { key, value } of item.data) state.set(key, value)
    } else apply(state, item.data)
    if (item.type === 'snapshot' || (isExact && random() < 0.02)) seen.push([id, textOf(state)])
    waiting.get(id)?.(textOf(state))
    waiting.delete(id)
  }

  async function readOnce(): Promise<void> {
    cut = new AbortController()
    let left = 1 + Math.floor(random() ** 3 * 1_000)
    const from = random() < 0.1 ? undefined : lastEventId
    for await (const [id, item] of map().live({ signal: cut.signal, lastEventId: from })) {
      take(id, item)
      if (waiting.size === 0 && --left === 0) return
    }
  }

  async function readOn(): Promise<void> {
    while (!isStopped) {
      await readOnce()
      cuts += 1
      await setTimeout(random() ** 4 * 1_500)
    }
  }

  const reading = readOn()
  return {
    seen,
    get snapshots() {
      return snapshots
    },
    get cuts() {
      return cuts
    },
    reached: (id) =>
      new Promise((resolve, reject) => {
        reading.catch(reject)
        if (lastEventId === id) resolve(textOf(state))
        else waiting.set(id, resolve)
      }),
    stop() {
      isStopped = true
      cut.abort()
    },
  }
}
