import type { AppendOptions, AppendResult, ChannelLog } from '@trpc-sse/server'

/** One pending call of `append`. */
export interface PendingAppend {
  readonly log: ChannelLog
  readonly payloads: readonly string[]
  readonly options: AppendOptions
  readonly calledAtMs: number
  resolve(result: AppendResult): void
  reject(error: unknown): void
}

/**
 * Appends to one log that are stored together. An append with an idempotency key is alone in its
 * group.
 */
export type AppendGroup = readonly [PendingAppend, ...PendingAppend[]]

/** Groups that one command stores in this order. */
export type AppendGroups = readonly [AppendGroup, ...AppendGroup[]]

/** The result of each append in a group; `undefined` if it is unknown whether they were stored. */
export type GroupResult = readonly AppendResult[] | undefined

/**
 * The maximum length of a group and of a command, in characters. A larger append gets its own
 * group.
 */
const maxGroupLength = 262_144
/** The maximum number of groups in one command, which blocks Redis while it runs. */
const maxGroups = 256
/** The approximate overhead of an event besides its payload, in characters. */
const eventOverhead = 128

/** Returns the first groups, as many as fit into one command. */
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
 * Groups consecutive appends. An append with an idempotency key has its own result, so it gets its
 * own group.
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
