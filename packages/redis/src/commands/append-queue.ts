import type { AppendOptions, AppendResult, ChannelLog } from '@trpc-sse/server'
import { unconfirmed } from '../errors.ts'
import type { GroupResult } from './scripts/append.ts'

/** One call of `append`, until it is settled. */
export interface PendingAppend {
  readonly log: ChannelLog
  readonly payloads: readonly string[]
  readonly options: AppendOptions
  readonly calledAtMs: number
  resolve(result: AppendResult): void
  reject(error: unknown): void
}

/**
 * Appends to one log that are stored together. One with an idempotency key is alone in its group.
 */
export type AppendGroup = readonly [PendingAppend, ...PendingAppend[]]

/** Groups that one command stores, in their order. */
export type AppendGroups = readonly [AppendGroup, ...AppendGroup[]]

/** Stores groups in their order, and returns the result of each. */
export type StoreGroups = (groups: AppendGroups) => Promise<readonly GroupResult[]>

/**
 * The appends of this process, stored log by log in the order of the calls. While a command of a
 * log is under way, new appends to that log wait, and are then sent together. So a failure can't
 * put one append before another, and many at once cost Redis little more than one.
 */
export class AppendQueue {
  readonly #store: StoreGroups
  readonly #waiting = new Map<string, PendingAppend[]>()

  constructor(store: StoreGroups) {
    this.#store = store
  }

  /** Stores an append, or lets it wait for the ones before it. Settles it in the end. */
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

  async #storeAll(key: string, first: PendingAppend): Promise<void> {
    let groups = groupAppends([first])
    while (isNotEmpty(groups)) {
      const fitting = takeFitting(groups)
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

/** The most characters that appends are grouped to. A larger append is a group by itself. */
const maxGroupLength = 262_144
/** The most groups in one command: Redis does nothing else while it runs. */
const maxGroups = 256
/** What an event costs beside its payload, roughly, in characters. */
const eventOverhead = 128

/** The first groups: as many as fit into one command. */
function takeFitting([first, ...rest]: AppendGroups): AppendGroups {
  const fitting: [AppendGroup, ...AppendGroup[]] = [first]
  let left = maxGroupLength - groupLength(first)
  for (const group of rest.slice(0, maxGroups - 1)) {
    left -= groupLength(group)
    if (left < 0) break
    fitting.push(group)
  }
  return fitting
}

function groupLength(group: AppendGroup): number {
  return group.reduce((length, append) => length + lengthOf(append), 0)
}

/**
 * Groups neighbours. An append with an idempotency key has a result of its own, and its own group.
 */
export function groupAppends(appends: readonly PendingAppend[]): readonly AppendGroup[] {
  const groups: [PendingAppend, ...PendingAppend[]][] = []
  let left = 0
  for (const append of appends) {
    const length = lengthOf(append)
    const group = groups.at(-1)
    const hasKey = append.options.idempotencyKey !== undefined
    if (group === undefined || hasKey || length > left) {
      groups.push([append])
      left = hasKey ? 0 : maxGroupLength - length
    } else {
      group.push(append)
      left -= length
    }
  }
  return groups
}

function lengthOf({ payloads }: PendingAppend): number {
  return payloads.reduce((length, payload) => length + payload.length + eventOverhead, 1)
}

function isNotEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0
}
