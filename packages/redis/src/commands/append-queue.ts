import type { Clock } from '@trpc-sse/server'
import { unconfirmed } from '../errors.ts'
import {
  type AppendGroup,
  type AppendGroups,
  type GroupResult,
  groupAppends,
  type PendingAppend,
  takeFitting,
} from './append-groups.ts'

/** Stores groups in this order, and returns the result of each. */
export type StoreGroups = (groups: AppendGroups) => Promise<readonly GroupResult[]>

/**
 * Stores the appends of this process. Each log has its own queue, in the order of the calls. While
 * a command of a log is pending, new appends to that log wait, and are then sent together. So a
 * failure can't reorder appends, and many appends cost Redis little more than one.
 */
export class AppendQueue {
  readonly #store: StoreGroups
  readonly #clock: Pick<Clock, 'rare'>
  readonly #waiting = new Map<string, PendingAppend[]>()

  constructor(store: StoreGroups, clock: Pick<Clock, 'rare'>) {
    this.#store = store
    this.#clock = clock
  }

  /** Stores an append after the earlier ones of its log, and then settles it. */
  add(append: PendingAppend): void {
    const { key } = append.log
    const behind = this.#waiting.get(key)
    if (behind !== undefined) {
      behind.push(append)
      return
    }
    this.#waiting.set(key, [])
    void this.#storeAll(key, append)
  }

  async #storeAll(key: string, append: PendingAppend): Promise<void> {
    let groups = groupAppends([append])
    while (isNotEmpty(groups)) {
      const fitting = this.#clock.rare?.('lone append') ? first(groups) : takeFitting(groups)
      await this.#storeAndSettle(fitting)
      groups = groups.slice(fitting.length)
      if (groups.length > 0) continue
      groups = groupAppends(this.#waiting.get(key) ?? [])
      this.#waiting.set(key, [])
    }
    this.#waiting.delete(key)
  }

  async #storeAndSettle(groups: AppendGroups): Promise<void> {
    try {
      const results = await this.#store(groups)
      for (const [i, group] of groups.entries()) settle(group, results[i])
    } catch (error) {
      for (const { reject } of groups.flat()) reject(error)
    }
  }
}

function settle(group: AppendGroup, results: GroupResult): void {
  for (const [i, append] of group.entries()) {
    const result = results?.[i]
    if (result === undefined) append.reject(unconfirmed())
    else append.resolve(result)
  }
}

function first([group]: AppendGroups): AppendGroups {
  return [group]
}

function isNotEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0
}
