import type { AppendOptions, AppendResult, ChannelLog } from '@trpc-sse/server'

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

/** The result of each append of a group; `undefined` if nothing proves whether they were stored. */
export type GroupResult = readonly AppendResult[] | undefined

/** The most characters that appends are grouped to. A larger append is a group by itself. */
const maxGroupLength = 262_144
/** The most groups in one command: Redis does nothing else while it runs. */
const maxGroups = 256
/** What an event costs beside its payload, roughly, in characters. */
const eventOverhead = 128

/** Takes the first groups: as many as fit into one command. */
export function takeFitting([first, ...rest]: AppendGroups): AppendGroups {
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
